"""Every table of the `data_playground` schema; importing this module declares all of them."""

from entrepot.playground.facts import tables as facts
from entrepot.playground.live import tables as live

__all__ = ["facts", "live"]
