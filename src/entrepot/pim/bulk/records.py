"""Records that are converted as a whole, not field by field."""

import hashlib
from typing import Any

from entrepot.pim.bulk import fields as f
from entrepot.pim.bulk import gids
from entrepot.pim.bulk.fields import FieldError

#: The most that Shopify stocks of a variant; a difference of two such still fits the ledger.
MOST_UNITS = 1_000_000_000


def menu_items(
    items: Any, menu: str, level: int = 0, parent: str | None = None, path: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    """The items of a menu, flat and in order, each with its level and the titles that lead to it."""
    found: list[dict[str, Any]] = []
    if items is None:
        return found
    if type(items) is not list:
        raise FieldError("WRONG_TYPE", "must be a list", items, "items")
    for position, item in enumerate(items):
        if type(item) is not dict or type(item.get("title")) is not str:
            raise FieldError("WRONG_TYPE", "has an item without a title", item, "items")
        titles = (*path, item["title"])
        gid = item.get("id")
        if gid is None:
            gid = f"gid://shopify/MenuItem/{hashlib.sha256(chr(31).join((menu, *titles)).encode()).hexdigest()[:32]}"
        elif gids.parse(gid) is None:
            raise FieldError(
                "NOT_A_GID",
                "has an item whose id is not a gid such as gid://shopify/MenuItem/1",
                gid,
                "items",
            )
        found.append(
            {"shopify_gid": gid, "parent_gid": parent, "title": _item(item, "title", f.LONGEST_TAG), "url": _item(item, "url"),
             "item_type": _item(item, "type", 50), "resource_id": _item(item, "resourceId", 100),
             "position": position, "level": level, "path": list(titles)}
        )  # fmt: skip
        found += menu_items(item.get("items"), menu, level + 1, gid, titles)
    if level == 0 and len({item["shopify_gid"] for item in found}) < len(found):
        raise FieldError("DUPLICATE", "holds the same item twice", None, "items")
    return found


def _item(item: dict[str, Any], name: str, limit: int | None = None) -> str | None:
    """A text of a menu's item, checked."""
    value = item.get(name)
    try:
        return None if value is None else f.text(limit)(value)
    except FieldError as error:
        error.field = f"items.{name}"
        raise


def _inventory_level(record: dict[str, Any]) -> dict[str, Any]:
    location = record.get("location")
    place = location.get("id") if type(location) is dict else None
    if gids.type_of(place) != "Location" or gids.parse(place) is None:
        raise FieldError("NO_LOCATION", "is missing", location, "location.id")
    quantities = record.get("quantities")
    quantity = record.get("available")
    if type(quantities) is list:
        named = {
            item["name"]: item.get("quantity")
            for item in quantities
            if type(item) is dict and type(item.get("name")) is str
        }
        quantity = named.get("available", named.get("on_hand"))
    if type(quantity) is not int:
        raise FieldError("NO_QUANTITY", "holds no whole number named available", quantities, "quantities")
    if abs(quantity) > MOST_UNITS:
        raise FieldError(
            "OUT_OF_RANGE", f"must lie between {-MOST_UNITS} and {MOST_UNITS}", quantity, "quantities"
        )
    return {"location_gid": place, "quantity": quantity}


def _resource_publication(record: dict[str, Any]) -> dict[str, Any]:
    publication = record.get("publication")
    gid = publication.get("id") if type(publication) is dict else None
    if gids.type_of(gid) != "Publication":
        raise FieldError("NO_PUBLICATION", "is missing", publication, "publication.id")
    if type(record.get("isPublished")) is not bool:
        raise FieldError("WRONG_TYPE", "must be true or false", record.get("isPublished"), "isPublished")
    moment = record.get("publishDate")
    try:
        moment = None if moment is None else f.timestamp(moment)
    except FieldError as error:
        error.field = "publishDate"
        raise
    return {"publication_gid": gid, "is_published": record["isPublished"], "publish_date": moment}


def _address(record: dict[str, Any]) -> dict[str, Any]:
    return {"address": {name: value for name, value in record.items() if name != "__parentId"}}


#: Records that are converted as a whole, not field by field.
WHOLE = {
    "InventoryLevel": _inventory_level,
    "ResourcePublication": _resource_publication,
    "MailingAddress": _address,
}
