"""Who follows the products of a shop hears of each that changed, once, whatever part of it did."""

from typing import Any
from uuid import UUID

from tests.pim.bulk.conftest import Mirror, Record, product, variant

GID = "gid://shopify/"


def image(number: int, owner: str, **fields: Any) -> Record:
    record = {"id": f"{GID}MediaImage/{number}", "mediaContentType": "IMAGE", "__parentId": GID + owner}
    return record | fields


def metafield(owner: str, value: str) -> Record:
    return {
        "id": f"{GID}Metafield/1",
        "namespace": "n",
        "key": "k",
        "value": value,
        "type": "t",
        "__parentId": GID + owner,
    }


async def told(
    mirror: Mirror, shop: UUID, *records: Record, snapshot: bool = False, force: bool = False
) -> list[tuple[str, str]]:
    """The product events of an import: what happened, to which product."""
    imported = await mirror.take(shop, *records, snapshot=snapshot, force=force)
    rows = await mirror.rows(
        shop,
        """
        SELECT event_type AS type, payload ->> 'gid' AS gid, payload ->> 'id' = subject AS own FROM marketplace.hm_event_queue
        WHERE event_type LIKE 'pim.product.%' AND payload ->> 'run_id' = :run ORDER BY 2, 1
        """,
        run=str(imported.run_id),
    )
    assert all(row["own"] for row in rows)
    return [
        (row["type"].removeprefix("pim.product."), row["gid"].removeprefix(f"{GID}Product/")) for row in rows
    ]


def shop_of(*, price: str = "10.00", alt: str = "old", own: str = "old") -> list[Record]:
    """Three products; the first has two variants, an image, and a variant with an image of its own."""
    return [
        *(product(number) for number in (1, 2, 3)),
        variant(11, 1, price=price),
        variant(12, 1),
        variant(21, 2),
        image(1, "Product/1", alt=alt),
        image(2, "ProductVariant/21", alt=own),
    ]


async def test_a_new_product_with_all_its_parts_is_one_event(mirror: Mirror, merchant: UUID) -> None:
    assert await told(mirror, merchant, *shop_of()) == [("created", "1"), ("created", "2"), ("created", "3")]
    assert await told(mirror, merchant, *shop_of(), force=True) == []


async def test_a_changed_variant_is_a_changed_product(mirror: Mirror, merchant: UUID) -> None:
    await told(mirror, merchant, *shop_of())
    assert await told(mirror, merchant, *shop_of(price="11.00")) == [("updated", "1")]
    assert await told(mirror, merchant, variant(31, 3), variant(32, 3)) == [("updated", "3")]
    # Its own change and that of a variant are one.
    assert await told(mirror, merchant, product(1, title="New"), variant(11, 1, price="12.00")) == [
        ("updated", "1")
    ]
    assert await told(mirror, merchant, metafield("ProductVariant/21", "v")) == [("updated", "2")]


async def test_a_changed_image_is_a_change_of_the_products_that_show_it(
    mirror: Mirror, merchant: UUID
) -> None:
    await told(mirror, merchant, *shop_of())
    assert await told(mirror, merchant, *shop_of(alt="new")) == [("updated", "1")]
    assert await told(mirror, merchant, *shop_of(alt="new", own="new")) == [("updated", "2")]
    # Tied to another product as well: only that one has changed.
    assert await told(mirror, merchant, image(1, "Product/3")) == [("updated", "3")]
    assert await told(mirror, merchant, image(2, "ProductVariant/12")) == [("updated", "1")]


async def test_what_a_snapshot_takes_from_a_product_changes_it(mirror: Mirror, merchant: UUID) -> None:
    await told(mirror, merchant, *shop_of(), image(3, "ProductVariant/21"))
    left = [record for record in shop_of() if record["id"] != f"{GID}ProductVariant/12"]
    assert await told(mirror, merchant, *left, image(3, "ProductVariant/21"), snapshot=True) == [
        ("updated", "1")
    ]
    assert await told(mirror, merchant, *left, snapshot=True) == [("updated", "2")]
    left = [record for record in left if record["id"] != f"{GID}MediaImage/1"]
    assert await told(mirror, merchant, *left, snapshot=True) == [("updated", "1")]
    # A product that goes with its variants is gone, and not also changed.
    left = [record for record in left if "2" not in record["id"].removeprefix(GID)]
    assert await told(mirror, merchant, *left, snapshot=True) == [("deleted", "2")]
