"""Which of the rules that match apply, where stacking groups, exclusivity and exclusions have something to say.

It is decided for each line (and for the shipping) by itself, among the rules of one type that match there, one after
the other: the higher priority first; of equal ones the one with the greatest benefit for whoever pays (the largest
discount, the smallest charge), reckoned alone and on the prices as given; then the key. A rule that another excludes
comes after that other, whatever its priority. Each applies unless one that came before shuts it out.

What a rule comes to alone also says whether it counts. A discount of nothing (goods that are free already, too few
units) and a scale that is not reached shut nobody out. A charge of nothing does: a commission of 0 % is there to keep
others away.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from entrepot.marketplace.pricing.compiling import Rule

#: A rule, and the lines (or the shipping) that it is about.
Matched: TypeAlias = list[tuple[Rule, list[int]]]
#: What a rule alone takes from each of its targets or adds to it; None where its scale is not reached.
Alone: TypeAlias = Callable[[Rule, list[int]], Sequence[int | None]]

EXCLUSIVE = "exclusive"
NOT_ALONE = "not alone"
GROUP = "group"
EXCLUDED = "excluded"
NO_EFFECT = "no effect"


@dataclass(frozen=True, slots=True)
class Lost:
    """A rule that matched and does not apply on some targets: why, and which rule shut it out."""

    rule: Rule
    targets: list[int]
    reason: str
    by: Rule | None = None


def select(matched: Matched, alone: Alone) -> tuple[Matched, list[Lost]]:
    """The rules of one type that apply, with the targets left to each, in the order given; and those that do not."""
    candidates: dict[int, list[tuple[Rule, int | None]]] = {}
    lost: dict[tuple[Rule, str, Rule | None], list[int]] = {}
    for rule, targets in matched:
        for target, amount in zip(targets, alone(rule, targets), strict=True):
            candidates.setdefault(target, []).append((rule, amount))
    kept: dict[Rule, list[int]] = {}
    for target in sorted(candidates):
        chosen, shut_out = _on_target(candidates[target])
        for rule in chosen:
            kept.setdefault(rule, []).append(target)
        for rule, reason, by in shut_out:
            lost.setdefault((rule, reason, by), []).append(target)
    applied = [(rule, kept[rule]) for rule, _ in matched if rule in kept]
    return applied, [Lost(rule, targets, reason, by) for (rule, reason, by), targets in lost.items()]


def _on_target(
    candidates: Sequence[tuple[Rule, int | None]],
) -> tuple[list[Rule], list[tuple[Rule, str, Rule | None]]]:
    counting = [
        (rule, amount) for rule, amount in candidates if amount is not None and (amount or not rule.lowers)
    ]
    idle = [rule for rule, amount in candidates if amount is None or (rule.lowers and not amount)]
    turns = _turns([rule for rule, _ in counting])
    counting.sort(key=lambda one: (*turns[one[0]], -one[1] if one[0].lowers else one[1], one[0].key))
    chosen: list[Rule] = []
    shut_out: list[tuple[Rule, str, Rule | None]] = []
    for rule in [*(rule for rule, _ in counting), *idle]:
        reason = _shut_out(rule, chosen)
        if reason is None and rule in idle and not rule.plain:
            reason = NO_EFFECT, None
        if reason is None:
            chosen.append(rule)
        else:
            shut_out.append((rule, *reason))
    return chosen, shut_out


def _shut_out(rule: Rule, chosen: Sequence[Rule]) -> tuple[str, Rule | None] | None:
    for other in chosen:
        if other.exclusive:
            return EXCLUSIVE, other
        if rule.exclusive:
            return NOT_ALONE, other
        if rule.group is not None and rule.group == other.group:
            return GROUP, other
        if rule.key in other.excludes:
            return EXCLUDED, other
    return None


def _turns(rules: Sequence[Rule]) -> Mapping[Rule, tuple[int, int]]:
    """When each rule has its turn: its priority turned around, and how many exclusions it waits for at that priority."""
    if not any(rule.excludes for rule in rules):
        return {rule: (-rule.priority, 0) for rule in rules}
    found: dict[Rule, tuple[int, int]] = {}

    def turn(rule: Rule) -> tuple[int, int]:
        if rule not in found:
            found[rule] = (-rule.priority, 0)  # ends a circle, which checked rules do not have
            waits = [turn(other) for other in rules if rule.key in other.excludes]
            latest = max(waits, default=None)
            if latest is not None and latest >= found[rule]:
                found[rule] = (latest[0], latest[1] + 1)
        return found[rule]

    for rule in sorted(rules, key=lambda rule: rule.key):
        turn(rule)
    return found
