"""What the program's own doings become."""

from typing import Any, Literal
from uuid import UUID

from entrepot.flows.facts.commerce import customer_facts, meaning, shop_facts
from entrepot.flows.facts.fact import Fact, Source
from entrepot.flows.facts.schemas import Customer, Key, Payload


class ImportCompleted(Payload):
    """An import of a shop's export came to its end."""

    run_id: UUID
    by_type: dict[str, Any]


@meaning("pim.import.completed")
def import_completed(source: Source, data: ImportCompleted) -> list[Fact]:
    """import_completed, with what was read of each type."""
    shop = source.shop(None)
    metadata = {"run_id": str(data.run_id), "by_type": data.by_type}
    event = source.event("import_completed", data.run_id, references={"shop": shop}, event_metadata=metadata)
    return [*shop_facts(source, shop), event]


class MessageTold(Payload):
    """A message between a customer of a marketplace and an account there; what it says stays where it is."""

    message: Key
    direction: Literal["received", "sent"]
    sender: Key
    automatic: bool
    customer: Key | None = None
    order: Key | None = None


@meaning("mirakl.message.told")
def message_told(source: Source, data: MessageTold) -> list[Fact]:
    """system_notice, with what kind of message it was."""
    shop = source.shop(None)
    references, people = {"shop": shop}, []
    if data.customer:
        people = customer_facts(source, Customer(customer=data.customer))
        references["user"] = people[0].id
    metadata = {
        "notice": f"message_{data.direction}",
        "sender": data.sender,
        "automatic": data.automatic,
        "order_id": str(source.id("order", data.order)) if data.order else None,
    }
    about = source.id("message", data.message)
    event = source.event("system_notice", about, references=references, event_metadata=metadata)
    return [*shop_facts(source, shop), *people, event]
