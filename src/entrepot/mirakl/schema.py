"""Every table of the `mirakl` schema; importing this module declares all of them."""

from entrepot.mirakl.accounts import tables as accounts
from entrepot.mirakl.conversations import tables as conversations
from entrepot.mirakl.failures import tables as failures
from entrepot.mirakl.money import tables as money
from entrepot.mirakl.orders import tables as orders
from entrepot.mirakl.orders import views as order_views
from entrepot.mirakl.scheduling import tables as scheduling
from entrepot.mirakl.shipping import tables as shipping
from entrepot.mirakl.stock import tables as stock

__all__ = [
    "accounts",
    "conversations",
    "failures",
    "money",
    "order_views",
    "orders",
    "scheduling",
    "shipping",
    "stock",
]
