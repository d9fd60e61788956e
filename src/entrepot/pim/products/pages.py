"""Products as pages: the list with its filters in the address, and one product."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from entrepot.kit.errors import NotFoundError
from entrepot.kit.web.rendering import render
from entrepot.kit.web.requests import web_address
from entrepot.pim.audit.pages import entries_shown
from entrepot.pim.audit.reading import product_history
from entrepot.pim.products import queries
from entrepot.pim.products.searching import DEFAULT_SORT, Wanted, search_products
from entrepot.pim.tenants.access import Visiting

router = APIRouter(include_in_schema=False)

Text = Annotated[str, Query(max_length=255)]


@router.get("/products")
async def products_page(
    request: Request,
    visit: Visiting,
    q: Text = "",
    status: Text = "",
    vendor: Text = "",
    type: Text = "",  # noqa: A002
    tag: Text = "",
    collection: Text = "",
    lacks: Text = "",
    sort: Text = DEFAULT_SORT,
    after: str | None = None,
    before: str | None = None,
) -> HTMLResponse:
    """The shop's products."""
    wanted = Wanted(
        q=q.strip() or None,
        status=status or None,
        vendor=vendor or None,
        type=type or None,
        tag=tag or None,
        collection=collection or None,
        lacks=lacks if lacks in queries.LACKS else None,
    )
    found = await search_products(visit.session, wanted, sort=sort, after=after, before=before, counted=True)
    facets = await queries.select_facets(visit.session)
    return render(
        request,
        "products/list.html",
        section="products",
        page=found.page,
        approximate=found.approximate,
        filters=wanted,
        filtered=not wanted.anything,
        facets=facets,
        sort=sort,
    )


@router.get("/products/{product_id}")
async def product_page(request: Request, visit: Visiting, product_id: str) -> Response:
    """One product; its handle or Shopify id lead to its address."""
    try:
        key = UUID(product_id)
    except ValueError:
        found = await queries.select_product_id(visit.session, product_id)
        if found is None:
            raise NotFoundError(f"There is no product “{product_id}”.") from None
        return RedirectResponse(f"/products/{found}", status_code=303)
    product = await queries.select_product(visit.session, key)
    if product is None:
        raise NotFoundError(
            "There is no such product in this shop.", hint="It may have been deleted by an import."
        )
    variants = await queries.select_variants_of(visit.session, key)
    history = await product_history(visit.session, key, limit=20)
    return render(
        request,
        "products/detail.html",
        section="products",
        product=product,
        variants=variants,
        media=shown_media(product, await queries.select_media_of(visit.session, key)),
        collections=await queries.select_collections_of(visit.session, key),
        metafields=sorted((product["metafields"] or {}).items()),
        history=entries_shown(history.rows),
        currency=product["currency_code"] or visit.shop.currency or "",
    )


def shown_media(product: Mapping[Any, Any], media: Any) -> list[dict[str, Any]]:
    """The media with the picture that stands for each; a product known by its main image only has that one."""
    found = [
        {
            "image": web_address(item["preview_url"])
            or (web_address(item["url"]) if item["media_type"] == "IMAGE" else None),
            "url": web_address(item["url"]),
            "alt": item["alt"],
            "media_type": item["media_type"],
        }
        for item in media
    ]
    url = web_address(product["featured_image_url"])
    if not found and url:
        found.append({"image": url, "url": url, "alt": None, "media_type": "IMAGE"})
    return found
