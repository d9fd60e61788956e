"""What follows in the same transaction when an order comes somewhere: parts freed or consumed, warnings settled."""

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.mirakl.failures.inbox import fail
from entrepot.mirakl.orders.acceptance import ANSWERING, DECIDING, LINES, MAPPING
from entrepot.mirakl.orders.deadlines import ACCEPTANCE, SHIPPING
from entrepot.mirakl.orders.preparing import ADDRESS, PREPARING, STOCK
from entrepot.mirakl.orders.steps import Change, settles, watches
from entrepot.mirakl.stock.reserving import consume, release

# What waited for somebody about an order that came to nothing, and what was asked and warned of on the way.
for ended in ("cancelled", "refused"):
    settles(
        ended,
        names=(DECIDING, ANSWERING, MAPPING, LINES, PREPARING, ADDRESS, STOCK, ACCEPTANCE, SHIPPING),
        resolution=f"The order is {ended}.",
    )
settles("accepted", names=(DECIDING, ANSWERING, ACCEPTANCE), resolution="The order is accepted.")
settles("shipped", names=(SHIPPING,), resolution="The order is shipped.")

#: Name of the failures of parts that left the house without being in the books.
CONSUMING = "StockConsumption"


@watches("cancelled", "refused")
async def give_parts_back(session: AsyncSession, change: Change) -> None:
    """Free what was reserved for an order that came to nothing."""
    await release(session, change.account_id, change.order_id, reason=f"order {change.status}")


@watches("shipped")
async def take_parts_out(session: AsyncSession, change: Change) -> None:
    """Consume what the order was built from; what is not in the books is somebody's to look at."""
    held = await consume(session, change.account_id, change.order_id)
    if not held.ok:
        await fail(
            session,
            change.account_id,
            CONSUMING,
            change.order_id,
            kind="permanent",
            details=f"The order is shipped, and not all of its parts could be taken out of the books. {held}",
            next_step="Count the parts, and put the stock right: `entrepot mirakl stock count`.",
            order_id=change.order_id,
        )
