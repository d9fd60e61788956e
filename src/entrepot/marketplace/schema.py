"""Every table and view of the `marketplace` schema but the outbox; importing this module declares them."""

from entrepot.marketplace.governance import conduct_tables as governance_of_conduct
from entrepot.marketplace.governance import money_tables as governance_of_money
from entrepot.marketplace.lifecycle import tables as lifecycle
from entrepot.marketplace.platforms import tables as platforms
from entrepot.marketplace.policies import tables as policies

__all__ = ["governance_of_conduct", "governance_of_money", "lifecycle", "platforms", "policies"]
