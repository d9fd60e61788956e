"""Every table of the `data_playground` schema; importing this module declares all of them."""

from entrepot.playground.dashboard import tables as dashboard
from entrepot.playground.facts import tables as facts
from entrepot.playground.live import tables as live
from entrepot.playground.loading import tables as loading
from entrepot.playground.metrics import tables as metrics

__all__ = ["dashboard", "facts", "live", "loading", "metrics"]
