"""Which field of a Shopify record goes to which column, by type of record.

Field names are the Admin API's (https://shopify.dev/docs/api/admin-graphql); older names that a merchant's file may
still hold stand behind the present one. A field that a record does not have is not in the export's query and leaves
its column alone; a field that is null clears it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from entrepot.pim.bulk import fields as f
from entrepot.pim.bulk.fields import Converter

Kind = Literal["scalar", "array", "json"]
MISSING: Any = object()


Reader = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One column and where its value stands: the first of `names` that the record has, then down `path`."""

    column: str
    names: tuple[str, ...]
    convert: Converter
    path: tuple[str, ...] = ()
    kind: Kind = "scalar"

    def reader(self) -> Reader:
        """A function that gives the converted value, None for null, MISSING where the record has no such field."""
        readers = [
            _below(name, self.path, self.convert) if self.path else _direct(name, self.convert)
            for name in self.names
        ]
        return _first_present(readers)


def _direct(name: str, convert: Converter) -> Reader:
    def read(record: dict[str, Any]) -> Any:
        value = record.get(name, MISSING)
        if value is None or value is MISSING:
            return value
        try:
            return convert(value)
        except f.FieldError as error:
            error.field = name
            raise

    return read


def _below(name: str, path: tuple[str, ...], convert: Converter) -> Reader:
    def read(record: dict[str, Any]) -> Any:
        value = record.get(name, MISSING)
        if value is MISSING:
            return MISSING
        for step in path:
            if value is None:
                return None
            if type(value) is not dict:
                raise f.FieldError("WRONG_TYPE", "must be an object", value, name)
            value = value.get(step)
        if value is None:
            return None
        try:
            return convert(value)
        except f.FieldError as error:
            error.field = ".".join((name, *path))
            raise

    return read


def _first_present(readers: list[Reader]) -> Reader:
    if len(readers) == 1:
        return readers[0]

    def read(record: dict[str, Any]) -> Any:
        found = MISSING
        for reader in readers:
            value = reader(record)
            if value is not MISSING:
                found = value
                if value is not None:
                    return value
        return found

    return read


class Shape:
    """One type of record: the table it goes to, and its columns; a column may be fed by several fields, the first wins."""

    def __init__(self, type: str, table: str, fields: tuple[Field, ...]) -> None:  # noqa: A002 - the API's word
        self.type = type
        self.table = table
        self.fields = fields
        by_column: dict[str, list[Field]] = {}
        for item in fields:
            by_column.setdefault(item.column, []).append(item)
        self.columns = tuple(by_column)
        self.readers: tuple[tuple[str, Kind, Reader], ...] = tuple(
            (column, items[0].kind, _first_present([item.reader() for item in items]))
            for column, items in by_column.items()
        )
        self.names = frozenset(name for item in fields for name in item.names)
        self.paths = tuple((name, *item.path) for item in fields if item.path for name in item.names)

    def covered(self, names: set[str]) -> list[str]:
        """The columns that an export with these field names says something about; a field below others is named by its path."""
        return list(
            dict.fromkeys(
                item.column
                for item in self.fields
                if any(".".join((name, *item.path)) in names for name in item.names)
            )
        )


def reaches(record: dict[str, Any], path: tuple[str, ...]) -> bool:
    """Whether a record says something about the field at the end of a path; a null on the way says that there is none."""
    value: Any = record
    for step in path:
        if value is None:
            return True
        if type(value) is not dict or step not in value:
            return False
        value = value[step]
    return True


def field(column: str, names: str, convert: Converter, path: str = "", kind: Kind = "scalar") -> Field:
    """A field; `names` and `path` are separated by blanks and dots."""
    return Field(column, tuple(names.split()), convert, tuple(path.split(".")) if path else (), kind)


def _price_range(low: str, high: str) -> Callable[[Any], dict[str, Any]]:
    def convert(value: Any) -> dict[str, Any]:
        members = f.json_object(value)
        least, most = members.get(low), members.get(high)
        code = next((part.get("currencyCode") for part in (least, most) if type(part) is dict), None)
        return {
            "min": f.money(least) if least is not None else None,
            "max": f.money(most) if most is not None else None,
            "currency": code,
        }

    return convert


def _option(value: Any) -> dict[str, Any]:
    members = f.json_object(value)
    values = members.get("values")
    if values is None:
        values = [
            item.get("name") for item in f.json_list(members.get("optionValues") or []) if type(item) is dict
        ]
    return {"name": members.get("name"), "position": members.get("position"), "values": values}


def _selected_option(value: Any) -> dict[str, Any]:
    members = f.json_object(value)
    return {"name": members.get("name"), "value": members.get("value")}


def _metaobject_fields(value: Any) -> dict[str, Any]:
    found = {}
    for item in f.json_list(value):
        members = f.json_object(item)
        if type(members.get("key")) is not str:
            raise f.FieldError("WRONG_TYPE", "has an entry without a key", item)
        found[members["key"]] = {"type": members.get("type"), "value": members.get("value")}
    return found


def _first(value: Any) -> str | None:
    items = f.json_list(value)
    return f.text(100)(items[0]) if items else None


def _accepts(value: Any) -> str:
    return "t" if value in ("SUBSCRIBED", True) else "f"


def _order_number(value: Any) -> str:
    if type(value) is str:  # the name of the order, "#1001"
        digits = "".join(character for character in value if character.isdigit())
        if not digits:
            raise f.FieldError("NOT_A_NUMBER", "holds no order number", value)
        value = digits
    number: str = f.whole(value)
    return number


LEGACY = field("legacy_resource_id", "legacyResourceId", f.big_integer)
SEO = field("seo", "seo", f.selected("title", "description"), kind="json")
CREATED = field("created_at_shopify", "createdAt", f.timestamp)
UPDATED = field("updated_at_shopify", "updatedAt", f.timestamp)
TAGS = field("tags", "tags", f.text_list, kind="array")

PRODUCT = Shape(
    "Product",
    "shopify_products",
    (
        LEGACY,
        field("title", "title", f.required_text()),
        field("handle", "handle", f.required_text(255)),
        field("description", "description", f.text()),
        field("description_html", "descriptionHtml bodyHtml", f.text()),
        field("vendor", "vendor", f.text(255)),
        field("product_type", "productType", f.text(255)),
        field("status", "status", f.choice("ACTIVE", "DRAFT", "ARCHIVED", "UNLISTED")),
        TAGS,
        field("is_gift_card", "isGiftCard", f.boolean),
        field("has_only_default_variant", "hasOnlyDefaultVariant", f.boolean),
        field("has_out_of_stock_variants", "hasOutOfStockVariants", f.boolean),
        field("requires_selling_plan", "requiresSellingPlan", f.boolean),
        field("options", "options", f.objects(_option), kind="json"),
        SEO,
        field(
            "price_range",
            "priceRangeV2 priceRange",
            _price_range("minVariantPrice", "maxVariantPrice"),
            kind="json",
        ),
        field(
            "compare_at_price_range",
            "compareAtPriceRange",
            _price_range("minVariantCompareAtPrice", "maxVariantCompareAtPrice"),
            kind="json",
        ),
        field("featured_image_url", "featuredMedia", f.text(), "preview.image.url"),
        field("featured_image_url", "featuredImage", f.text(), "url"),
        field("template_suffix", "templateSuffix", f.text(100)),
        field("category_id", "category", f.text(100), "id"),
        field("published_at", "publishedAt", f.timestamp),
        CREATED,
        UPDATED,
    ),
)

VARIANT = Shape(
    "ProductVariant",
    "shopify_variants",
    (
        LEGACY,
        field("title", "title", f.text(255)),
        field("sku", "sku", f.text(255)),
        field("barcode", "barcode", f.text(100)),
        field("price", "price", f.price()),
        field("compare_at_price", "compareAtPrice", f.price()),
        field("cost", "inventoryItem", f.price(), "unitCost.amount"),
        field("weight", "inventoryItem", f.decimal(10, 4), "measurement.weight.value"),
        field(
            "weight_unit",
            "inventoryItem",
            f.choice("KILOGRAMS", "GRAMS", "POUNDS", "OUNCES"),
            "measurement.weight.unit",
        ),
        field("weight", "weight", f.decimal(10, 4)),
        field("weight_unit", "weightUnit", f.choice("KILOGRAMS", "GRAMS", "POUNDS", "OUNCES")),
        field("requires_shipping", "requiresShipping", f.boolean),
        field("inventory_quantity", "inventoryQuantity", f.whole),
        field("inventory_policy", "inventoryPolicy", f.choice("DENY", "CONTINUE")),
        field("inventory_item_id", "inventoryItem", f.text(100), "id"),
        field("taxable", "taxable", f.boolean),
        field("tax_code", "taxCode", f.text(50)),
        field("available_for_sale", "availableForSale", f.boolean),
        field("requires_shipping", "inventoryItem", f.boolean, "requiresShipping"),
        field("requires_components", "requiresComponents", f.boolean),
        field("position", "position", f.whole),
        field("selected_options", "selectedOptions", f.objects(_selected_option), kind="json"),
        field("image_url", "image", f.text(), "url"),
        CREATED,
        UPDATED,
    ),
)

COLLECTION = Shape(
    "Collection",
    "shopify_collections",
    (
        LEGACY,
        field("title", "title", f.required_text()),
        field("handle", "handle", f.required_text(255)),
        field("description", "description", f.text()),
        field("description_html", "descriptionHtml", f.text()),
        field("sort_order", "sortOrder", f.text(50)),
        field("rules", "ruleSet", f.json_list, "rules", kind="json"),
        field("disjunctive", "ruleSet", f.boolean, "appliedDisjunctively"),
        SEO,
        field("image_url", "image", f.text(), "url"),
        field("products_count", "productsCount", f.whole, "count"),
        field("template_suffix", "templateSuffix", f.text(100)),
        field("published_at", "publishedAt", f.timestamp),
    ),
)

CUSTOMER = Shape(
    "Customer",
    "shopify_customers",
    (
        LEGACY,
        field("email", "email", f.text(320)),
        field("email", "defaultEmailAddress", f.text(320), "emailAddress"),
        field("phone", "phone", f.text(50)),
        field("phone", "defaultPhoneNumber", f.text(50), "phoneNumber"),
        field("accepts_marketing", "defaultEmailAddress", _accepts, "marketingState"),
        field("accepts_marketing_updated_at", "defaultEmailAddress", f.timestamp, "marketingUpdatedAt"),
        field("marketing_opt_in_level", "defaultEmailAddress", f.text(30), "marketingOptInLevel"),
        field("first_name", "firstName", f.text(100)),
        field("last_name", "lastName", f.text(100)),
        field("display_name", "displayName", f.text(255)),
        field("state", "state", f.choice("ENABLED", "DISABLED", "INVITED", "DECLINED")),
        field("verified_email", "verifiedEmail", f.boolean),
        field("accepts_marketing", "emailMarketingConsent", _accepts, "marketingState"),
        field("accepts_marketing_updated_at", "emailMarketingConsent", f.timestamp, "consentUpdatedAt"),
        field("marketing_opt_in_level", "emailMarketingConsent", f.text(30), "marketingOptInLevel"),
        field("orders_count", "numberOfOrders", f.whole),
        field("total_spent", "amountSpent", f.price()),
        field("currency_code", "amountSpent", f.currency, "currencyCode"),
        TAGS,
        field("tax_exempt", "taxExempt", f.boolean),
        field("tax_exemptions", "taxExemptions", f.text_list, kind="array"),
        field("locale", "locale", f.text(10)),
        field("note", "note", f.text()),
        field("default_address", "defaultAddress", f.json_object, kind="json"),
        field("addresses", "addresses", f.json_list, kind="json"),
        CREATED,
        UPDATED,
    ),
)

ORDER = Shape(
    "Order",
    "shopify_orders",
    (
        LEGACY,
        field("name", "name", f.required_text(50)),
        field("order_number", "number name", _order_number),
        field("email", "email", f.text(320)),
        field("phone", "phone", f.text(50)),
        field(
            "financial_status",
            "displayFinancialStatus",
            f.choice(
                "PENDING",
                "AUTHORIZED",
                "PARTIALLY_PAID",
                "PAID",
                "PARTIALLY_REFUNDED",
                "REFUNDED",
                "VOIDED",
                "EXPIRED",
            ),
        ),
        field(
            "fulfillment_status",
            "displayFulfillmentStatus",
            f.choice(
                "UNFULFILLED",
                "PARTIALLY_FULFILLED",
                "FULFILLED",
                "SCHEDULED",
                "ON_HOLD",
                "IN_PROGRESS",
                "OPEN",
                "PENDING_FULFILLMENT",
                "REQUEST_DECLINED",
                "RESTOCKED",
                "FULFILLMENT_NOT_REQUIRED",
            ),
        ),
        field("total_price", "totalPriceSet currentTotalPriceSet totalPrice", f.price()),
        field("subtotal_price", "subtotalPriceSet currentSubtotalPriceSet subtotalPrice", f.price()),
        field("total_tax", "totalTaxSet currentTotalTaxSet totalTax", f.price()),
        field("total_discounts", "totalDiscountsSet currentTotalDiscountsSet totalDiscounts", f.price()),
        field("total_shipping", "totalShippingPriceSet totalShippingPrice", f.price()),
        field("currency_code", "currencyCode", f.currency),
        field("presentment_currency", "presentmentCurrencyCode", f.currency),
        field("discount_codes", "discountCodes", f.json_list, kind="json"),
        field("shipping_address", "shippingAddress", f.json_object, kind="json"),
        field("billing_address", "billingAddress", f.json_object, kind="json"),
        field("customer_gid", "customer", f.text(100), "id"),
        field("customer_locale", "customerLocale", f.text(10)),
        TAGS,
        field("note", "note", f.text()),
        field("note_attributes", "customAttributes", f.json_list, kind="json"),
        field("gateway", "paymentGatewayNames", _first),
        field("payment_terms", "paymentTerms", f.json_object, kind="json"),
        field("risk_level", "riskLevel", f.choice("LOW", "MEDIUM", "HIGH")),
        field("source_name", "sourceName", f.text(100)),
        field("source_identifier", "sourceIdentifier", f.text(255)),
        field("cancelled_at", "cancelledAt", f.timestamp),
        field("cancel_reason", "cancelReason", f.text(50)),
        field("closed_at", "closedAt", f.timestamp),
        field("processed_at", "processedAt", f.timestamp),
        CREATED,
        UPDATED,
    ),
)

MEDIA_FIELDS = (
    LEGACY,
    field("media_type", "mediaContentType", f.choice("IMAGE", "VIDEO", "MODEL_3D", "EXTERNAL_VIDEO")),
    field("alt", "alt altText", f.text()),
    field("status", "status fileStatus", f.choice("UPLOADED", "PROCESSING", "READY", "FAILED")),
    field("mime_type", "mimeType", f.text(100)),
    field("file_size", "originalSource", f.big_integer, "fileSize"),
    field("duration", "duration", f.whole),
    field("sources", "sources", f.json_list, kind="json"),
    CREATED,
)
MEDIA_IMAGE = Shape(
    "MediaImage",
    "shopify_media",
    (
        *MEDIA_FIELDS,
        field("width", "image", f.whole, "width"),
        field("height", "image", f.whole, "height"),
        field("url", "image", f.text(), "url"),
        field("preview_url", "preview", f.text(), "image.url"),
    ),
)
PRODUCT_IMAGE = Shape(  # the images connection of the Product type: an Image without a status of its own
    "ProductImage",
    "shopify_media",
    (
        *MEDIA_FIELDS,
        field("width", "width", f.whole),
        field("height", "height", f.whole),
        field("url", "url src originalSrc", f.text()),
    ),
)
OTHER_MEDIA = (*MEDIA_FIELDS, field("preview_url", "preview", f.text(), "image.url"))
VIDEO = Shape("Video", "shopify_media", (*OTHER_MEDIA, field("url", "originalSource", f.text(), "url")))
MODEL_3D = Shape("Model3d", "shopify_media", (*OTHER_MEDIA, field("url", "originalSource", f.text(), "url")))
EXTERNAL_VIDEO = Shape(
    "ExternalVideo", "shopify_media", (*OTHER_MEDIA, field("url", "originUrl embedUrl", f.text()))
)

METAOBJECT = Shape(
    "Metaobject",
    "shopify_metaobjects",
    (
        field("type", "type", f.required_text(100)),
        field("handle", "handle", f.required_text(255)),
        field("display_name", "displayName", f.text()),
        field("fields", "fields", _metaobject_fields, kind="json"),
        field("capabilities", "capabilities", f.json_object, kind="json"),
    ),
)
PUBLICATION = Shape(
    "Publication",
    "shopify_publications",
    (
        field("name", "name", f.required_text(255)),
        field("catalog_type", "catalog", f.text(50), "__typename"),
        field("supports_future_publishing", "supportsFuturePublishing", f.boolean),
        field("auto_publish", "autoPublish", f.boolean),
    ),
)
LOCATION = Shape(
    "Location",
    "inventory_locations",
    (
        LEGACY,
        field("name", "name", f.required_text(255)),
        field("address", "address", f.json_object, kind="json"),
        field("is_active", "isActive", f.boolean),
        field("is_primary", "isPrimary", f.boolean),
        field("fulfills_online_orders", "fulfillsOnlineOrders", f.boolean),
    ),
)
MENU = Shape(
    "Menu",
    "shopify_menus",
    (
        field("title", "title", f.required_text()),
        field("handle", "handle", f.required_text(255)),
    ),
)
METAFIELD = Shape(
    "Metafield",
    "metafields",
    (
        field("namespace", "namespace", f.required_text(255)),
        field("key", "key", f.required_text(255)),
        field("value", "value", f.text()),
        field("type", "type", f.text(100)),
    ),
)
LINE_ITEM = Shape(
    "LineItem",
    "line_items",
    (
        field("variant_gid", "variant", f.text(100), "id"),
        field("product_gid", "product", f.text(100), "id"),
        field("title", "title name", f.text()),
        field("variant_title", "variantTitle", f.text()),
        field("sku", "sku", f.text(255)),
        field("vendor", "vendor", f.text()),
        field("quantity", "quantity", f.whole),
        field("current_quantity", "currentQuantity", f.whole),
        field("price", "originalUnitPriceSet originalUnitPrice", f.price()),
        field("discounted_price", "discountedUnitPriceSet discountedUnitPrice", f.price()),
        field("total_discount", "totalDiscountSet totalDiscount", f.price()),
        field("taxable", "taxable", f.boolean),
        field("requires_shipping", "requiresShipping", f.boolean),
    ),
)
SHIPPING_LINE = Shape(
    "ShippingLine",
    "shipping_lines",
    (
        field("title", "title", f.text()),
        field("code", "code", f.text()),
        field("source", "source", f.text()),
        field("price", "originalPriceSet originalPrice price", f.price()),
        field("discounted_price", "discountedPriceSet discountedPrice", f.price()),
    ),
)

SHAPES = {
    shape.type: shape
    for shape in (
        PRODUCT, VARIANT, COLLECTION, CUSTOMER, ORDER, MEDIA_IMAGE, PRODUCT_IMAGE, VIDEO, MODEL_3D, EXTERNAL_VIDEO,
        METAOBJECT, PUBLICATION, LOCATION, MENU, METAFIELD, LINE_ITEM, SHIPPING_LINE,
    )
}  # fmt: skip
