"""The kinds of rules that there are, in the order in which files and pages show them."""

from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from importlib import import_module

from entrepot.kit.errors import NotFoundError
from entrepot.marketplace.rulebook.queries import AnyKind

_MODULES = (
    "entrepot.marketplace.policies.kind",
    "entrepot.marketplace.experiments.kind",
    "entrepot.marketplace.pricing.kind",
    "entrepot.marketplace.limits.kind",
)


@cache
def kinds() -> tuple[AnyKind, ...]:
    """Policies, experiments, prices, limits."""
    # Imported when they are asked for: an engine imports the rulebook, and must not find itself half made there.
    return tuple(import_module(name).KIND for name in _MODULES)


def kind_of(name: str, among: Sequence[AnyKind] | None = None) -> AnyKind:
    """The kind with a plural (or singular) name; raises NotFoundError, which lists them."""
    known = kinds() if among is None else among
    for kind in known:
        if name in (kind.plural, kind.name):
            return kind
    plurals = [kind.plural for kind in known]
    near = get_close_matches(name, plurals, n=1, cutoff=0.6)
    raise NotFoundError(
        f"There is no kind of rules {name!r}.",
        hint=f"Did you mean {near[0]}?" if near else f"There are {', '.join(plurals)}.",
        where={"kind": name},
    )
