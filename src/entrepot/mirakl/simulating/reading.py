"""Both sides' books, read: ours from the database, the services' own from what they show of themselves."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import RowMapping

from entrepot.kit.db import Database
from entrepot.mirakl.failures.inbox import RETRIES
from entrepot.mirakl.simulating import queries
from entrepot.mirakl.simulating.books import (
    Books,
    ComponentHere,
    Entry,
    FailureHere,
    LineHere,
    MessageHere,
    Movement,
    OrderHere,
    Parcel,
)
from entrepot.mirakl.simulating.catalog import needs
from entrepot.mirakl.simulating.standins import CarrierBooks, MarketplaceBooks


async def read_books(
    db: Database,
    account_id: UUID,
    marketplace: MarketplaceBooks,
    carrier: CarrierBooks,
    *,
    written_off: Collection[str] = (),
) -> Books:
    """What is written here and there; `written_off`: references of labels that a person has given up."""
    async with db.tenant(account_id=account_id) as session:
        orders = [_order(row) for row in await queries.select_orders(session, account_id)]
        parcels = [_parcel(row) for row in await queries.select_parcels(session, account_id)]
        components = [_component(row) for row in await queries.select_components(session, account_id)]
        messages = [_message(row) for row in await queries.select_messages(session, account_id)]
        failures = _failures(await queries.select_failures(session, account_id))
    return Books(
        orders=tuple(orders),
        parcels=tuple(parcels),
        components=tuple(components),
        messages=tuple(messages),
        failures=failures,
        orders_there=await marketplace.orders(),
        labels_there=await carrier.labels(),
        messages_there=await marketplace.messages(),
        written_off=frozenset(written_off),
    )


def _order(row: RowMapping) -> OrderHere:
    return OrderHere(
        order_id=row["order_id"],
        mirakl_state=row["mirakl_state"],
        history=tuple(
            Entry(step=step, status=status, previous=previous) for step, status, previous in row["history"]
        ),
        lines=tuple(
            LineHere(line_id=line_id, is_refused=refused, needs=needs(sku, quantity))
            for line_id, sku, quantity, refused in row["lines"]
        ),
        is_due=row["next_attempt_at"] is not None,
    )


def _parcel(row: RowMapping) -> Parcel:
    return Parcel(
        order_id=row["order_id"],
        number=row["parcel_number"],
        state=row["state"],
        reference=row["carrier_reference"],
        external_id=row["external_id"],
        pin=row["tracking_pin"],
        has_label=row["has_label"],
        is_followed=row["is_followed"],
    )


def _component(row: RowMapping) -> ComponentHere:
    movements = tuple(
        Movement(on_hand=on_hand, reserved=reserved, line_id=line_id)
        for on_hand, reserved, line_id in row["movements"]
    )
    return ComponentHere(
        name=row["name"], on_hand=row["on_hand"], reserved=row["reserved"], movements=movements
    )


def _message(row: RowMapping) -> MessageHere:
    return MessageHere(
        thread=row["mirakl_thread_id"],
        kind=row["message_type"],
        sending=row["sending"],
        external_id=row["mirakl_message_id"],
        template=row["template_number"],
        body=row["body"],
    )


def _failures(rows: Sequence[RowMapping]) -> tuple[FailureHere, ...]:
    return tuple(
        FailureHere(
            failure_id=str(row["failure_id"]),
            process_name=row["process_name"],
            related_id=row["related_id"],
            order_id=row["order_id"],
            details=row["details"],
            can_be_retried=row["process_name"] in RETRIES,
        )
        for row in rows
    )
