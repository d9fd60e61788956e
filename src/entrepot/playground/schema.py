"""Every table of the `data_playground` schema; importing this module declares all of them."""

from entrepot.playground.facts import tables as facts

__all__ = ["facts"]
