"""The tables of facts, by subject."""

from entrepot.playground.facts.tables.entities import GlobalEntity, GlobalEvent
from entrepot.playground.facts.tables.invoices import Invoice, InvoicePayment
from entrepot.playground.facts.tables.orders import ShopOrder, ShopOrderItem, ShopOrderPayment
from entrepot.playground.facts.tables.people import User, UserPaymentMethod
from entrepot.playground.facts.tables.promotions import ShopPromotion, ShopPromotionUsage
from entrepot.playground.facts.tables.requests import RequestResponseLog
from entrepot.playground.facts.tables.reviews import ShopReview, ShopReviewVote
from entrepot.playground.facts.tables.shops import Shop, ShopInventoryLog, ShopProduct

__all__ = [
    "GlobalEntity",
    "GlobalEvent",
    "Invoice",
    "InvoicePayment",
    "RequestResponseLog",
    "Shop",
    "ShopInventoryLog",
    "ShopOrder",
    "ShopOrderItem",
    "ShopOrderPayment",
    "ShopProduct",
    "ShopPromotion",
    "ShopPromotionUsage",
    "ShopReview",
    "ShopReviewVote",
    "User",
    "UserPaymentMethod",
]
