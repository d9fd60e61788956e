"""Products and variants over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from entrepot.kit.errors import NotFoundError
from entrepot.kit.web.paging import page_of, pick, place
from entrepot.kit.web.parameters import After, Before, Limit, answer_page
from entrepot.kit.web.problems import GUARDED, responses
from entrepot.pim.audit.reading import product_history
from entrepot.pim.audit.schemas import AuditPage
from entrepot.pim.products import queries
from entrepot.pim.products.schemas import Product, ProductPage, VariantPage
from entrepot.pim.products.searching import DEFAULT_SORT, Lack, Sort, Status, Wanted, search_products
from entrepot.pim.tenants.access import Reading

router = APIRouter(tags=["Products"])

ProductId = Annotated[UUID, Path(description="Identifier of the product here.")]
Word = Annotated[str | None, Query(max_length=255)]


@router.get(
    "/products",
    operation_id="listProducts",
    summary="Search products",
    response_model=ProductPage,
    responses=responses(*GUARDED),
)
async def list_products(
    request: Request,
    response: Response,
    access: Reading,
    q: Annotated[
        str | None,
        Query(
            max_length=200,
            description="Words of the title or description, a part of the title or handle, the beginning of a SKU, "
            "a barcode, a Shopify id. Where nothing holds the words, titles that come close.",
            examples=["enamel mug"],
        ),
    ] = None,
    status: Annotated[Status | None, Query(description="Only products of this status.")] = None,
    vendor: Annotated[str | None, Query(max_length=255, description="Only of this vendor.")] = None,
    type: Annotated[str | None, Query(max_length=255, description="Only of this type.")] = None,  # noqa: A002
    tag: Annotated[str | None, Query(max_length=255, description="Only with this tag.")] = None,
    collection: Annotated[
        str | None, Query(max_length=255, description="Only in the collection with this handle or id.")
    ] = None,
    lacks: Annotated[Lack | None, Query(description="Only those that lack this.")] = None,
    sort: Annotated[Sort, Query(description="The order; with `-` the greatest first.")] = DEFAULT_SORT,
    after: After = None,
    before: Before = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """A page of the products that match every condition given."""
    wanted = Wanted(q=q, status=status, vendor=vendor, type=type, tag=tag, collection=collection, lacks=lacks)
    found = await search_products(access.session, wanted, sort=sort, after=after, before=before, limit=limit)
    return {**answer_page(request, response, found.page), "approximate": found.approximate}


@router.get(
    "/products/{product_id}",
    operation_id="getProduct",
    summary="One product",
    response_model=Product,
    responses=responses(*GUARDED, NotFoundError),
)
async def get_product(access: Reading, product_id: ProductId) -> dict[str, Any]:
    """A product with its variants, media, metafields and collections."""
    product = await queries.select_product(access.session, product_id)
    if product is None:
        raise NotFoundError(f"There is no product {product_id}.")
    return {
        **product,
        "variants": await queries.select_variants_of(access.session, product_id),
        "media": await queries.select_media_of(access.session, product_id),
        "collections": await queries.select_collections_of(access.session, product_id),
    }


@router.get(
    "/products/{product_id}/history",
    operation_id="listProductChanges",
    summary="The changes of a product",
    response_model=AuditPage,
    responses=responses(*GUARDED, NotFoundError),
)
async def list_product_changes(
    request: Request,
    response: Response,
    access: Reading,
    product_id: ProductId,
    after: After = None,
    before: Before = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """What changed in a product and its variants, the newest first. A product that is gone still has its history."""
    page = await product_history(access.session, product_id, after=after, before=before, limit=limit)
    if not page.rows and await queries.select_product(access.session, product_id) is None:
        raise NotFoundError(f"There is no product {product_id}.")
    return answer_page(request, response, page)


@router.get(
    "/variants",
    operation_id="listVariants",
    summary="Find variants",
    response_model=VariantPage,
    responses=responses(*GUARDED),
)
async def list_variants(
    request: Request,
    response: Response,
    access: Reading,
    sku: Annotated[
        str | None, Query(max_length=255, description="Beginning of the SKU.", examples=["HG-MUG"])
    ] = None,
    barcode: Annotated[
        str | None, Query(max_length=100, description="The whole barcode.", examples=["4061234567805"])
    ] = None,
    product: Annotated[UUID | None, Query(description="Only variants of this product.")] = None,
    after: After = None,
    before: Before = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """A page of the variants that match every condition given, in the order in which they came."""
    at = place("id", (UUID,), after=after, before=before)
    rows = await queries.select_variants(
        access.session, sku=sku, barcode=barcode, product_id=product, at=at, limit=limit + 1
    )
    return answer_page(request, response, page_of(rows, at, limit, lambda row: pick(row, "id"), "id"))
