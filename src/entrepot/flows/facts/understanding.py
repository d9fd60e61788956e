"""Understanding: an event of the outbox as what is told, of whom, and where it comes from."""

import re
from uuid import UUID

from entrepot.events import Event
from entrepot.flows.facts.schemas import Told

#: What the source of an event (`/entrepot/pim/bulk`) says about where its facts come from.
_SOURCE = re.compile(r"/entrepot/(pim|marketplace|mirakl)(/|$)")


def origin_of(source: str) -> str:
    """The origin of facts that a source tells: the context of the program, or the API for any other."""
    found = _SOURCE.match(source)
    return found[1] if found else "api"


def tenant_of(shop_id: UUID | None, platform_id: UUID | None, account_id: UUID | None = None) -> str:
    """Whose names the keys of an event are."""
    return str(shop_id or platform_id or account_id or "entrepot")


def understood(event: Event) -> Told:
    """An event of the family `commerce.*`, as it was published."""
    return Told(
        event_id=event.id,
        type=event.type,
        tenant=tenant_of(event.shop_id, event.platform_id, event.account_id),
        origin=origin_of(event.source),
        time=event.time,
        data=event.data,
    )
