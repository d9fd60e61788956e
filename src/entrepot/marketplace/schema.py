"""Every table and view of the `marketplace` schema but the outbox; importing this module declares them."""

from entrepot.marketplace.experiments import tables as experiments
from entrepot.marketplace.experiments import views as experiment_views
from entrepot.marketplace.governance import conduct_tables as governance_of_conduct
from entrepot.marketplace.governance import money_tables as governance_of_money
from entrepot.marketplace.lifecycle import tables as lifecycle
from entrepot.marketplace.limits import tables as limits
from entrepot.marketplace.platforms import tables as platforms
from entrepot.marketplace.policies import tables as policies
from entrepot.marketplace.policies import views as policy_views
from entrepot.marketplace.pricing import tables as pricing

__all__ = [
    "experiment_views",
    "experiments",
    "governance_of_conduct",
    "governance_of_money",
    "lifecycle",
    "limits",
    "platforms",
    "policies",
    "policy_views",
    "pricing",
]
