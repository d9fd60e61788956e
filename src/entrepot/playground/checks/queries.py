"""How rules are put to the database, and what is asked before them."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.playground.checks.rules import Found, Rule

# A check joins whole tables; what does not fit is sorted on disk, at a tenth of the speed.
_ROOM = text("SELECT set_config('work_mem', '128MB', true)")
_ANYTHING = text(
    """
    SELECT EXISTS (SELECT FROM data_playground.global_entities) OR EXISTS (SELECT FROM data_playground.global_events)
        OR EXISTS (SELECT FROM data_playground.users) OR EXISTS (SELECT FROM data_playground.shop_orders)
    """
)


async def give_room(session: AsyncSession) -> None:
    """Let this transaction sort and hash in memory."""
    await session.execute(_ROOM)


async def is_anything_there(session: AsyncSession) -> bool:
    """Whether the warehouse holds any fact."""
    return bool((await session.execute(_ANYTHING)).scalar_one())


async def ask(session: AsyncSession, rule: Rule) -> Found:
    """How many rows there are, how many of them break the rule, and what is said of the first that does."""
    statement = f"""
        SELECT count(*) AS compared, count(*) FILTER (WHERE {rule.wrong}) AS failed,
               (array_agg({rule.said} ORDER BY {rule.place}) FILTER (WHERE {rule.wrong}))[1] AS first
        FROM ({rule.rows}) AS rows
    """
    row = (await session.execute(text(statement))).one()
    return Found(row.compared, row.failed, row.first)
