"""What the program's own doings become."""

from typing import Any
from uuid import UUID

from entrepot.flows.facts.commerce import meaning, shop_facts
from entrepot.flows.facts.fact import Fact, Source
from entrepot.flows.facts.schemas import Payload


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
