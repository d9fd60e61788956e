"""Every table and view of the `marketplace` schema but the outbox; importing this module declares them."""

from entrepot.marketplace.lifecycle import tables as lifecycle
from entrepot.marketplace.platforms import tables as platforms
from entrepot.marketplace.policies import tables as policies
from entrepot.marketplace.pricing import tables as pricing

__all__ = ["lifecycle", "platforms", "policies", "pricing"]
