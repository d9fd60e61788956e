"""A second evaluator, written for being plainly right: fractions, loops over all rules, and no index.

It shares nothing with the engine but the condition language. It takes rules, cart and rates as they are written.
"""

from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

from entrepot.kit.rules import compile_condition

DIGITS = {"EUR": 2, "USD": 2, "JPY": 0, "KWD": 3}
COLUMNS = (
    "original",
    "discount",
    "surcharge",
    "fee",
    "tax",
    "tax_included",
    "total",
    "platform_funded",
    "seller_funded",
    "commission",
    "seller_fee",
    "net",
)


def half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


def largest_remainder(exact: dict[str, Fraction], order: list[str]) -> dict[str, int]:
    """Rounded so that the sum is the rounded sum; ties go by `order`."""
    rounded = {name: floor(value) for name, value in exact.items()}
    missing = half_up(sum(exact.values(), Fraction(0))) - sum(rounded.values())
    by_remainder = sorted(exact, key=lambda name: (-(exact[name] - rounded[name]), order.index(name)))
    for name in by_remainder[:missing]:
        rounded[name] += 1
    return rounded


def in_proportion(amount: int, weights: dict[str, int]) -> dict[str, Fraction]:
    if not sum(weights.values()):
        weights = dict.fromkeys(weights, 1)
    return {name: Fraction(amount * weight, sum(weights.values())) for name, weight in weights.items()}


class Naive:
    """One quote."""

    def __init__(
        self, rules: list[dict[str, Any]], cart: dict[str, Any], rates: list[dict[str, Any]]
    ) -> None:
        self.currency = cart["currency"]
        self.unit = 10 ** DIGITS[self.currency]
        self.at = datetime.fromisoformat(cart["at"])
        self.rates = rates
        self.cart = cart
        self.line = {str(line["id"]): line for line in cart["lines"]}
        self.order = [*sorted(self.line), "shipping"]
        self.quantity = {name: line["quantity"] for name, line in self.line.items()}
        self.quantity["shipping"] = sum(self.quantity.values())
        self.price = {name: self.minor(line["unit_price"]) for name, line in self.line.items()}
        self.column = {column: dict.fromkeys(self.order, 0) for column in COLUMNS}
        for name in self.line:
            self.column["original"][name] = self.price[name] * self.quantity[name]
        self.column["original"]["shipping"] = self.minor(cart.get("shipping") or "0")
        self.rules = [rule for rule in rules if self.holds(rule)]

    def minor(self, text: Any) -> int:
        value = Fraction(Decimal(str(text))) * self.unit
        assert value.denominator == 1
        return int(value)

    def holds(self, rule: dict[str, Any]) -> bool:
        start, end = rule.get("start_time"), rule.get("end_time")
        return (start is None or datetime.fromisoformat(start) <= self.at) and (
            end is None or self.at < datetime.fromisoformat(end)
        )

    def facts(self, name: str | None) -> dict[str, Any]:
        total = sum(self.column["original"][line] for line in self.line)
        found = {
            "cart": {
                "total": total / self.unit,
                "quantity": self.quantity["shipping"],
                "lines": len(self.line),
            },
            "buyer": self.cart.get("buyer") or {},
            "seller": self.cart.get("seller") or {},
            "coupons": self.cart.get("coupons") or [],
        }
        if name is None:
            return found
        line = {**self.line[name]}
        line["unit_price"] = self.price[name] / self.unit
        line["amount"] = self.column["original"][name] / self.unit
        return {**line, **found, "line": line}

    def asks(self, condition: dict[str, Any], name: str | None) -> bool:
        return compile_condition(condition).matches(self.facts(name))

    def targets(self, rule: dict[str, Any]) -> list[str]:
        """Where a rule matches."""
        level, condition = rule.get("level", "line"), rule.get("condition", {})
        if level == "line":
            return [name for name in sorted(self.line) if self.asks(condition, name)]
        if not self.asks(condition, None):
            return []
        if level == "shipping":
            return ["shipping"] if self.cart.get("shipping") is not None else []
        return [name for name in sorted(self.line) if self.asks(rule.get("applies_to", {}), name)]

    def money(self, rule: dict[str, Any], text: Any) -> int:
        """An amount of the rule in the cart's currency, converted and rounded for itself."""
        own = rule["action"]["currency"]
        value = Fraction(Decimal(str(text)))
        if own == self.currency:
            return int(value * self.unit)
        held = [
            rate
            for rate in self.rates
            if rate["from"] == own
            and rate["to"] == self.currency
            and datetime.fromisoformat(rate["date"]) <= self.at
        ]
        rate = max(held, key=lambda rate: datetime.fromisoformat(rate["date"]))
        return half_up(value * Fraction(Decimal(rate["rate"])) * self.unit)

    # -- what an action comes to, exactly --------------------------------------------------------------------------

    def exact(
        self, rule: dict[str, Any], standing: dict[str, int], targets: list[str]
    ) -> dict[str, Fraction]:
        action, kind = rule["action"], rule["action"]["type"]
        level, lowers = rule.get("level", "line"), rule["type"] == "DISCOUNT"

        def spread(amount: int, among: list[str]) -> dict[str, Fraction]:
            weights = {name: standing[name] for name in among}
            amount = min(amount, sum(weights.values())) if lowers else amount
            parts = largest_remainder(in_proportion(amount, weights), self.order)
            return {name: Fraction(part) for name, part in parts.items()}

        if kind in ("PERCENTAGE", "PERCENTAGE_OFF"):
            return {name: standing[name] * Fraction(action["value"]) / 100 for name in targets}
        if kind == "FREE_SHIPPING":
            return {name: Fraction(standing[name]) for name in targets}
        if kind == "FIXED_AMOUNT":
            amount = self.money(rule, action["value"])
            return spread(amount, targets) if level == "cart" else dict.fromkeys(targets, Fraction(amount))
        if kind == "PER_UNIT":
            return {
                name: Fraction(self.money(rule, action["value"]) * self.quantity[name]) for name in targets
            }
        if kind == "OVERRIDE":
            price = self.money(rule, action["value"])
            wanted = {name: price * (1 if name == "shipping" else self.quantity[name]) for name in targets}
            return {
                name: Fraction(max(0, (standing[name] - wanted[name]) * (1 if lowers else -1)))
                for name in targets
            }
        if kind == "BUY_X_GET_Y":
            return self.buy_and_get(rule, standing, targets)
        if level == "line":
            return {name: self.scale(rule, standing, [name], spread)[name] for name in targets}
        return self.scale(rule, standing, targets, spread)

    def buy_and_get(
        self, rule: dict[str, Any], standing: dict[str, int], targets: list[str]
    ) -> dict[str, Fraction]:
        action = rule["action"]
        found = dict.fromkeys(targets, Fraction(0))
        heaps = [[name] for name in targets] if rule.get("level", "line") == "line" else [targets]
        for heap in heaps:
            units = [
                (Fraction(standing[name], self.quantity[name]), name)
                for name in heap
                for _ in range(self.quantity[name])
            ]
            units.sort(key=lambda unit: (unit[0], self.order.index(unit[1])))
            rounds = len(units) // (action["buy"] + action["get"])
            rounds = min(rounds, action.get("times") or rounds)
            for price, name in units[: rounds * action["get"]]:
                found[name] += price * Fraction(str(action.get("percent", 100))) / 100
        return found

    def measure(self, rule: dict[str, Any], standing: dict[str, int], targets: list[str]) -> int:
        if rule.get("level") == "shipping":
            targets = [name for name in self.order if name != "shipping"]
        source = self.quantity if rule["action"].get("by", "quantity") == "quantity" else standing
        return sum(source[name] for name in targets)

    def start(self, rule: dict[str, Any], tier: dict[str, Any]) -> int:
        by = rule["action"].get("by", "quantity")
        return int(tier["from"]) if by == "quantity" else self.money(rule, tier["from"])

    def scale(
        self, rule: dict[str, Any], standing: dict[str, int], targets: list[str], spread: Any
    ) -> dict[str, Fraction]:
        action = rule["action"]
        unit, by = action.get("unit", "PERCENTAGE"), action.get("by", "quantity")
        measure = self.measure(rule, standing, targets)
        reached = [tier for tier in action["tiers"] if self.start(rule, tier) <= measure]
        if not reached or not measure:
            return dict.fromkeys(targets, Fraction(0))
        # Each unit, or each minor unit of the amount, with the value of its step; None before the first step.
        if action.get("mode", "volume") == "volume":
            steps: list[tuple[int, Any]] = [(measure, reached[-1]["value"])]
        else:
            first = 1 if by == "quantity" else 0
            edges = [max(self.start(rule, tier), first) - first for tier in reached] + [measure]
            steps = [(edges[0], None)]
            steps += [(edges[i + 1] - edges[i], tier["value"]) for i, tier in enumerate(reached)]
        if unit == "FIXED_AMOUNT":
            paid = reached if action.get("mode") == "graduated" else reached[-1:]
            return spread(sum(self.money(rule, tier["value"]) for tier in paid), targets)  # type: ignore[no-any-return]
        found = {}
        for name in targets:
            amount = Fraction(0)
            for count, value in steps:
                share = Fraction(count, measure)
                if unit == "OVERRIDE":
                    whole = standing[name] if value is None else self.money(rule, value) * self.quantity[name]
                elif value is None:
                    whole = 0
                elif unit == "PER_UNIT":
                    whole = self.money(rule, value) * self.quantity[name]
                else:
                    whole = standing[name] * Fraction(value) / 100
                amount += share * whole
            if unit == "OVERRIDE":
                amount = (standing[name] - amount) * (1 if rule["type"] == "DISCOUNT" else -1)
            found[name] = max(amount, Fraction(0))
        return found

    # -- rounding, floors, caps ------------------------------------------------------------------------------------

    def reckon(
        self, rule: dict[str, Any], standing: dict[str, int], targets: list[str], so_far: int
    ) -> dict[str, int]:
        parts = largest_remainder(self.exact(rule, standing, targets), self.order)
        caps = rule.get("caps", {})
        for name in targets:
            if rule["type"] == "DISCOUNT":
                lowest = 0
                if name != "shipping" and "minimum_price" in self.line[name]:
                    lowest = self.minor(self.line[name]["minimum_price"]) * self.quantity[name]
                if "floor" in rule:
                    units = 1 if name == "shipping" else self.quantity[name]
                    lowest = max(lowest, self.money(rule, rule["floor"]) * units)
                parts[name] = min(parts[name], max(0, standing[name] - lowest))
            if "line" in caps:
                parts[name] = min(parts[name], self.money(rule, caps["line"]))
        limits = []
        if "rule" in caps:
            limits.append(self.money(rule, caps["rule"]))
        if "cart" in caps:
            limits.append(max(0, self.money(rule, caps["cart"]) - so_far))
        for limit in limits:
            if sum(parts.values()) > limit:
                parts = largest_remainder(in_proportion(limit, parts), self.order)
        return parts

    # -- which rules apply -----------------------------------------------------------------------------------------

    def select(self, rules: list[dict[str, Any]]) -> dict[str, list[str]]:
        """Rule → the targets on which it applies; `rules` are all of one type and payer."""
        matched = {rule["key"]: self.targets(rule) for rule in rules}
        rules = [rule for rule in rules if matched[rule["key"]]]
        if all(
            rule.get("stacking_group", "DEFAULT") == "DEFAULT" and not rule.get("excludes") for rule in rules
        ):
            return {rule["key"]: matched[rule["key"]] for rule in rules}
        original = self.column["original"]
        alone = {rule["key"]: self.reckon(rule, original, matched[rule["key"]], 0) for rule in rules}
        kept: dict[str, list[str]] = {}
        for name in self.order:
            here = {rule["key"]: rule for rule in rules if name in matched[rule["key"]]}
            idle = {
                key for key, rule in here.items() if self.is_idle(rule, matched[key], name, alone[key][name])
            }
            waiting = {key: rule for key, rule in here.items() if key not in idle}
            chosen: list[dict[str, Any]] = []
            turn = {key: self.turn(rule, waiting) for key, rule in waiting.items()}
            while waiting:
                key = min(
                    waiting,
                    key=lambda key: (
                        turn[key],
                        alone[key][name] * (-1 if here[key]["type"] == "DISCOUNT" else 1),
                        key,
                    ),
                )
                if self.goes(waiting.pop(key), chosen):
                    chosen.append(here[key])
            for key in idle:
                rule = here[key]
                plain = rule.get("stacking_group", "DEFAULT") == "DEFAULT" and not rule.get("excludes")
                if plain and self.goes(rule, [other for other in chosen if other["key"] not in idle]):
                    chosen.append(rule)
            for rule in chosen:
                kept.setdefault(rule["key"], []).append(name)
        return kept

    def is_idle(self, rule: dict[str, Any], targets: list[str], name: str, amount: int) -> bool:
        if rule["action"]["type"] == "TIERED":
            measured = [name] if rule.get("level", "line") == "line" else targets
            if self.measure(rule, self.column["original"], measured) < self.start(
                rule, rule["action"]["tiers"][0]
            ):
                return True
        return rule["type"] == "DISCOUNT" and not amount

    def turn(self, rule: dict[str, Any], among: dict[str, dict[str, Any]]) -> tuple[int, int]:
        """Later than every rule that excludes it."""
        own = (-rule.get("priority", 0), 0)
        for other in among.values():
            if rule["key"] in other.get("excludes", ()):
                priority, wait = self.turn(other, among)
                own = max(own, (priority, wait + 1))
        return own

    def goes(self, rule: dict[str, Any], chosen: list[dict[str, Any]]) -> bool:
        group = rule.get("stacking_group", "DEFAULT")
        for other in chosen:
            others = other.get("stacking_group", "DEFAULT")
            if "EXCLUSIVE" in (group, others) or (group == others != "DEFAULT"):
                return False
            if rule["key"] in other.get("excludes", ()):
                return False
        return True

    # -- the steps -------------------------------------------------------------------------------------------------

    def quote(self) -> dict[str, dict[str, int]]:
        """Column → target → minor units."""
        domains: dict[Any, list[dict[str, Any]]] = {}
        for rule in self.rules:
            domains.setdefault((rule["type"], self.payer(rule)), []).append(rule)
        kept = {key: targets for rules in domains.values() for key, targets in self.select(rules).items()}
        chosen = sorted(
            (rule for rule in self.rules if rule["key"] in kept),
            key=lambda rule: (-rule.get("priority", 0), rule["key"]),
        )
        column = self.column
        standing = dict(column["original"])
        for level in ("line", "cart", "shipping"):
            for rule in self.ordered(
                [rule for rule in chosen if rule["type"] == "DISCOUNT" and rule.get("level", "line") == level]
            ):
                targets = kept[rule["key"]]
                parts = self.reckon(rule, standing, targets, sum(column["discount"].values()))
                share = Fraction(str(rule.get("funding", {}).get("platform", 0))) / 100
                funded = largest_remainder({name: part * share for name, part in parts.items()}, self.order)
                for name in targets:
                    standing[name] -= parts[name]
                    column["discount"][name] += parts[name]
                    column["platform_funded"][name] += funded[name]
        buyer = [
            rule for rule in chosen if rule["type"] in ("SURCHARGE", "FEE") and self.payer(rule) == "buyer"
        ]
        for rule in self.ordered(buyer):
            into = column["surcharge" if rule["type"] == "SURCHARGE" else "fee"]
            for name, part in self.reckon(rule, standing, kept[rule["key"]], sum(into.values())).items():
                into[name] += part
        taxable = {
            name: standing[name] + column["surcharge"][name] + column["fee"][name] for name in self.order
        }
        self.taxes(self.ordered([rule for rule in chosen if rule["type"] == "TAX"]), kept, taxable)
        selling = {name: standing[name] + column["surcharge"][name] for name in self.order}
        left = {name: selling[name] + column["platform_funded"][name] for name in self.order}
        seller = [
            rule for rule in chosen if rule["type"] in ("COMMISSION", "FEE") and self.payer(rule) == "seller"
        ]
        for rule in self.ordered(seller):
            into = column["commission" if rule["type"] == "COMMISSION" else "seller_fee"]
            for name, part in self.reckon(rule, selling, kept[rule["key"]], sum(into.values())).items():
                taken = min(part, left[name])
                into[name] += taken
                left[name] -= taken
        for name in self.order:
            column["total"][name] = taxable[name] + column["tax"][name]
            column["seller_funded"][name] = column["discount"][name] - column["platform_funded"][name]
            column["net"][name] = left[name]
        return column

    def payer(self, rule: dict[str, Any]) -> str:
        payers = {"COMMISSION": "seller", "FEE": rule.get("charged_to", "seller")}
        return str(payers.get(rule["type"], "buyer"))

    def ordered(self, rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
        done: list[dict[str, Any]] = []
        while len(done) < len(rules):
            left = [rule for rule in rules if rule not in done]
            keys = {rule["key"] for rule in left}
            done.append(next(rule for rule in left if keys.isdisjoint(rule.get("after", ()))))
        return done

    def taxes(self, taxes: list[dict[str, Any]], kept: dict[str, list[str]], taxable: dict[str, int]) -> None:
        exact: dict[str, dict[str, Fraction]] = {rule["key"]: {} for rule in taxes}
        fixed = {
            rule["key"]: self.exact(rule, taxable, kept[rule["key"]])
            for rule in taxes
            if rule["action"]["type"] != "PERCENTAGE"
        }
        for name in self.order:
            here = [rule for rule in taxes if name in kept[rule["key"]]]

            def all_taxes(
                net: Fraction, here: list[dict[str, Any]] = here, name: str = name
            ) -> dict[str, Fraction]:
                found: dict[str, Fraction] = {}
                for rule in here:
                    action = rule["action"]
                    if action["type"] != "PERCENTAGE":
                        found[rule["key"]] = fixed[rule["key"]][name]
                        continue
                    base = net + sum(found.values(), Fraction(0)) if action.get("compound") else net
                    found[rule["key"]] = base * Fraction(action["value"]) / 100
                return found

            # The net price is where net + the taxes contained make the price: a straight line, known by two points.
            def gross(net: Fraction, here: list[dict[str, Any]] = here) -> Fraction:
                found = all_taxes(net)
                return net + sum(
                    (found[rule["key"]] for rule in here if rule["action"].get("inclusive")), Fraction(0)
                )

            nothing, slope = gross(Fraction(0)), gross(Fraction(1)) - gross(Fraction(0))
            for key, value in all_taxes((taxable[name] - nothing) / slope).items():
                exact[key][name] = max(value, Fraction(0))
        for rule in taxes:
            parts = largest_remainder(exact[rule["key"]], self.order)
            into = self.column["tax_included" if rule["action"].get("inclusive") else "tax"]
            for name, part in parts.items():
                into[name] += (
                    min(part, taxable[name] - into[name]) if rule["action"].get("inclusive") else part
                )


def naive_quote(
    rules: list[dict[str, Any]], cart: dict[str, Any], rates: list[dict[str, Any]]
) -> dict[str, dict[str, int]]:
    """Column → line id (or "shipping") → minor units."""
    return Naive(rules, cart, rates).quote()
