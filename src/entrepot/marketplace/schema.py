"""Every table and view of the `marketplace` schema but the outbox; importing this module declares them."""

from entrepot.marketplace.experiments import tables as experiments
from entrepot.marketplace.experiments import views as experiment_views
from entrepot.marketplace.lifecycle import tables as lifecycle
from entrepot.marketplace.limits import tables as limits
from entrepot.marketplace.platforms import tables as platforms
from entrepot.marketplace.policies import tables as policies

__all__ = ["experiment_views", "experiments", "lifecycle", "limits", "platforms", "policies"]
