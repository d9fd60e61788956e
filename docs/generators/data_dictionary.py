"""The data dictionary, from the tables' declarations."""

from entrepot.kit.db.check import load_declarations
from entrepot.kit.db.dictionary import render_markdown


def render() -> str:
    """What `entrepot db dictionary` prints."""
    load_declarations()
    return render_markdown()
