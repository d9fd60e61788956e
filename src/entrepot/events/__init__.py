"""The outbox: publish in the transaction of what happened, subscribe by type, deliver exactly once to the database."""

from entrepot.events.envelope import Event, NewEvent
from entrepot.events.publishing import publish, publish_from, publish_many
from entrepot.events.subscribing import batch_subscriber, subscriber

__all__ = ["Event", "NewEvent", "batch_subscriber", "publish", "publish_from", "publish_many", "subscriber"]
