"""Reckoning a quote: pure, exact, and in one fixed order.

Line discounts, cart discounts, shipping discounts; surcharges and fees of the buyer; taxes; commissions and fees of the
seller. Within a step the higher priority comes first, then the key, unless `after` says otherwise. Discounts take one
from what the other left. The charges of a step are all reckoned on what stood when the step began. Whether a rule
matches is asked of the cart as given, before any of this; a rule that does not match has no influence whatever.
"""

from typing import TYPE_CHECKING

from entrepot.marketplace.pricing.carts import Cart
from entrepot.marketplace.pricing.compiling import BUYER_CHARGES, SELLER_CHARGES, TAXES, Rule
from entrepot.marketplace.pricing.quotes import Quote
from entrepot.marketplace.pricing.rates import Rates
from entrepot.marketplace.pricing.reckoning import Reckoning
from entrepot.marketplace.pricing.selecting import Lost, Matched, select

if TYPE_CHECKING:
    from entrepot.marketplace.pricing.rulesets import RuleSet


def calculate(rules: "RuleSet", cart: Cart, rates: Rates) -> Quote:
    """The quote of a cart.

    Raises InvalidInputError where a rule that matches is in another currency and the rate for it is missing.
    """
    reckoning = Reckoning(cart, rates)
    matched = _match(rules, cart)
    lost: list[Lost] = []
    chosen = _in_order(_choose(matched, reckoning, lost))
    discounts, buyer, taxes, seller = _by_step(chosen)
    figures = reckoning.figures
    for rule, targets in discounts:
        reckoning.discount(rule, targets)
    standing = figures.standing
    for rule, targets in buyer:
        column = figures.surcharge if rule.type == "SURCHARGE" else figures.fee
        reckoning.charge(rule, targets, standing, column, None)
    if taxes:
        reckoning.tax(taxes, rules.formulas)
    if seller:
        standing, left = figures.selling(), figures.owned()
        for rule, targets in seller:
            column = figures.commission if rule.type == "COMMISSION" else figures.seller_fee
            reckoning.charge(rule, targets, standing, column, left)
    figures.close(reckoning.floors)
    return Quote(rules, cart, figures, reckoning.applied, lost, reckoning.used)


def _match(rules: "RuleSet", cart: Cart) -> Matched:
    """The rules that match, each with its targets in ascending order."""
    at = cart.at
    found: dict[Rule, list[int]] = {}
    matching = rules.of_lines.matching
    for target, facts in enumerate(cart.line_facts):
        for rule in matching(facts):
            if rule.timed and not rule.holds_at(at):
                continue
            targets = found.get(rule)
            if targets is None:
                found[rule] = [target]
            else:
                targets.append(target)
    for rule in rules.of_cart.matching(cart.facts):
        if rule.timed and not rule.holds_at(at):
            continue
        if rule.on_shipping:
            targets = [] if cart.shipping is None else [len(cart.ids)]
        elif rule.applies_to is None:
            targets = [*range(len(cart.ids))]
        else:
            covers = rule.applies_to.matches
            targets = [target for target, facts in enumerate(cart.line_facts) if covers(facts)]
        if targets:
            found[rule] = targets
    return [*found.items()]


def _choose(matched: Matched, reckoning: Reckoning, lost: list[Lost]) -> Matched:
    """The rules that apply, where groups, exclusivity or exclusions are at stake: for each type by itself."""
    if all(rule.plain for rule, _ in matched):
        return matched
    by_domain: dict[tuple[str, str], Matched] = {}
    for rule, targets in matched:
        by_domain.setdefault(rule.domain, []).append((rule, targets))
    chosen: Matched = []
    for domain in sorted(by_domain):
        among = by_domain[domain]
        if not all(rule.plain for rule, _ in among):
            among, without = select(among, reckoning.alone)
            lost += without
        chosen += among
    return chosen


def _in_order(chosen: Matched) -> Matched:
    chosen = sorted(chosen, key=lambda one: one[0].order)
    if not any(rule.after for rule, _ in chosen):
        return chosen
    waiting = {rule.key for rule, _ in chosen}
    ordered: Matched = []
    while chosen:
        # The first whose forerunners are done; in a circle, which checked rules do not have, simply the first.
        place = next((place for place, (rule, _) in enumerate(chosen) if waiting.isdisjoint(rule.after)), 0)
        waiting.discard(chosen[place][0].key)
        ordered.append(chosen.pop(place))
    return ordered


def _by_step(chosen: Matched) -> tuple[Matched, Matched, Matched, Matched]:
    steps: dict[int, Matched] = {BUYER_CHARGES: [], TAXES: [], SELLER_CHARGES: []}
    discounts: Matched = []
    for one in chosen:
        steps.get(one[0].step, discounts).append(one)
    return discounts, steps[BUYER_CHARGES], steps[TAXES], steps[SELLER_CHARGES]
