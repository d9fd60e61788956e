"""What people, shops, products and their carts become."""

from typing import Any

from entrepot.flows.facts.commerce import customer_facts, meaning, shop_facts
from entrepot.flows.facts.fact import Fact, Source
from entrepot.flows.facts.schemas import (
    CartChanged,
    CartLeft,
    Customer,
    CustomerRegistered,
    ProductDiscontinued,
    ProductListed,
    ProductViewed,
    ShopClosed,
    ShopOpened,
    StockCounted,
    Visit,
)

#: What a shop keeps its stock log of.
COUNTED = {"change_type": "recount", "reason": "counted"}


@meaning("commerce.customer.registered")
def customer_registered(source: Source, data: CustomerRegistered) -> list[Fact]:
    """The person, and user_registered at the time of signing up."""
    user = source.id("user", data.customer)
    known = data.model_dump(include={"country", "time_zone"})
    return [
        *customer_facts(source, data),
        Fact("user", user, None, known, change=True),
        source.event("user_registered", user, timed_by="caller", references={"user": user, "caller": user}),
    ]


@meaning("commerce.shop.opened")
def shop_opened(source: Source, data: ShopOpened) -> list[Fact]:
    """The shop with its owner, who is a user without a name, and shop_opened."""
    shop = source.shop(data.shop)
    told = data.model_dump(include={"name", "category", "country", "city", "time_zone"})
    facts = shop_facts(source, shop, owner=data.owner, **told)
    facts.append(Fact("shop", shop, None, told, change=True))
    references = {"shop": shop, "user": facts[0].id, "caller": shop}
    return [*facts, source.event("shop_opened", shop, timed_by="caller", references=references)]


@meaning("commerce.shop.closed")
def shop_closed(source: Source, data: ShopClosed) -> list[Fact]:
    """The shop's row says when it closed, and shop_closed."""
    shop = source.shop(data.shop)
    change = Fact("shop", shop, None, {"status": False, "deactivated_time": source.time}, change=True)
    return [change, source.event("shop_closed", shop, references={"shop": shop, "caller": shop})]


@meaning("commerce.product.listed")
def product_listed(source: Source, data: ProductListed) -> list[Fact]:
    """The product, made or brought up to date, and product_listed the first time."""
    shop, product = source.shop(data.shop), source.id("product", data.product)
    listed = min(data.listed_at or source.time, source.time)
    told: dict[str, Any] = {
        "sku": f"{(data.sku or data.product)[-40:]}-{product.hex[:8]}",
        "name": data.name,
        "category": data.category,
        "status": "active" if data.on_sale else "inactive",
        "price": data.price,
        "sale_price": data.sale_price,
        "cost_price": data.cost_price,
        "brand": data.brand,
        "updated_time": source.time,
        "extra_data": {"key": data.product, "sku": data.sku},
    }
    row = told | {"stock_quantity": 0, "origin": source.origin}
    return [
        *shop_facts(Source(source.tenant, source.origin, listed), shop),
        Fact("product", product, listed, row, {"shop": shop}),
        Fact("product", product, None, told, change=True),
        source.event(
            "product_listed",
            product,
            timed_by="product",
            references={"shop": shop, "product": product, "caller": product},
        ),
    ]


@meaning("commerce.product.discontinued")
def product_discontinued(source: Source, data: ProductDiscontinued) -> list[Fact]:
    """The product's row says so, and product_discontinued."""
    shop, product = source.shop(data.shop), source.id("product", data.product)
    references = {"shop": shop, "product": product, "caller": product}
    values = {"status": "discontinued", "updated_time": source.time}
    return [
        Fact("product", product, None, values, change=True),
        source.event("product_discontinued", product, references=references),
    ]


@meaning("commerce.stock.counted")
def stock_counted(source: Source, data: StockCounted) -> list[Fact]:
    """A row of the stock log where the count differs from what the log says."""
    shop, product = source.shop(data.shop), source.id("product", data.product)
    at = source.time.isoformat()
    values = {"quantity_after": data.quantity, "origin": source.origin, **COUNTED}
    return [
        Fact(
            "stock",
            source.id("stock", f"{data.product}/{at}"),
            source.time,
            values,
            {"shop": shop, "product": product},
        )
    ]


def _visit(source: Source, type_: str, data: Visit, key: str, **values: Any) -> list[Fact]:
    shop, user = source.shop(data.shop), source.id("user", data.customer)
    references = {"user": user, "shop": shop}
    if product := getattr(data, "product", None):
        references["product"] = source.id("product", product)
    part = f"{source.time.isoformat()}/{data.session or ''}/{key}"
    happened = source.event(type_, user, part=part, references=references, session_id=data.session, **values)
    return [*shop_facts(source, shop), *customer_facts(source, Customer(customer=data.customer)), happened]


@meaning("commerce.product.viewed")
def product_viewed(source: Source, data: ProductViewed) -> list[Fact]:
    """product_viewed."""
    return _visit(source, "product_viewed", data, data.product)


def _cart_changed(change: str) -> None:
    @meaning(f"commerce.cart.item_{change}")
    def cart_changed(source: Source, data: CartChanged) -> list[Fact]:
        amount = data.quantity * data.unit_price
        return _visit(
            source, f"cart_item_{change}", data, data.product, quantity=data.quantity, amount=amount
        )


for _change in ("added", "removed"):
    _cart_changed(_change)


def _cart_left(type_: str, name: str) -> None:
    @meaning(name)
    def cart_left(source: Source, data: CartLeft) -> list[Fact]:
        return _visit(source, type_, data, "", amount=data.amount)


_cart_left("checkout_started", "commerce.checkout.started")
_cart_left("cart_abandoned", "commerce.cart.abandoned")
