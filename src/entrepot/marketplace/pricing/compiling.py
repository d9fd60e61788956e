"""A pricing rule made ready to be reckoned with: numbers instead of texts, functions instead of names."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from sys import intern
from typing import Any

from pydantic import ValidationError

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.rules import compile_condition
from entrepot.marketplace.pricing.actions import ACTS, Act, Amounts, fixed_each, fixed_together
from entrepot.marketplace.pricing.checking import check_document, money_of
from entrepot.marketplace.pricing.money import minor_digits, parse_amount, parse_percent
from entrepot.marketplace.pricing.refusing import refuse
from entrepot.marketplace.pricing.schemas import (
    DEFAULT_GROUP,
    EXCLUSIVE_GROUP,
    MONEY_ACTIONS,
    PricingRuleDocument,
)
from entrepot.marketplace.pricing.stacking import payer
from entrepot.marketplace.pricing.tiers import tiered
from entrepot.marketplace.pricing.wording import action_words

#: The steps of a quote, in their order.
STEPS = (
    "line discounts",
    "cart discounts",
    "shipping discounts",
    "surcharges and fees",
    "taxes",
    "commissions and fees of the seller",
)
LINE_DISCOUNTS, CART_DISCOUNTS, SHIPPING_DISCOUNTS, BUYER_CHARGES, TAXES, SELLER_CHARGES = range(6)


class Rule:
    """One version of a rule, compiled. Rules are compared by identity."""

    __slots__ = (
        "_because",
        "_does",
        "_telling",
        "_told",
        "_written",
        "act",
        "after",
        "amounts",
        "applies_to",
        "buy",
        "by_quantity",
        "capped",
        "compound",
        "condition",
        "currency",
        "document",
        "domain",
        "end",
        "excludes",
        "exclusive",
        "get",
        "graduated",
        "group",
        "inclusive",
        "key",
        "level",
        "lowers",
        "on_shipping",
        "order",
        "plain",
        "platform_rate",
        "priority",
        "rate",
        "start",
        "step",
        "tier_unit",
        "timed",
        "times",
        "type",
        "version",
    )

    def __init__(self, document: PricingRuleDocument, version: int | None) -> None:
        action = document.action
        self.document = document
        self.key = document.key
        self.version = version
        self.type = document.type
        self.level = document.level
        self.on_shipping = document.level == "shipping"
        self.lowers = document.type == "DISCOUNT"
        self.step = _step(document)
        #: What competes with one another: rules of one type and one payer.
        self.domain = (document.type, payer(document))
        self.priority = document.priority
        group = document.stacking_group
        self.exclusive = group == EXCLUSIVE_GROUP
        self.group = None if group in (DEFAULT_GROUP, EXCLUSIVE_GROUP) else group
        self.after = frozenset(document.after)
        self.excludes = frozenset(document.excludes)
        #: Whether it goes with everything and shuts nothing out.
        self.plain = group == DEFAULT_GROUP and not document.excludes
        #: The place in the order of reckoning: step, then the higher priority, then the key.
        self.order = (self.step, -document.priority, document.key)
        self.start: datetime | None = document.start_time
        self.end: datetime | None = document.end_time
        self.timed = self.start is not None or self.end is not None
        self.condition = compile_condition(document.condition)
        self.applies_to = compile_condition(document.applies_to) if document.applies_to else None
        # A currency that no amount is in asks for no rate.
        self.currency = action.currency if any(money_of(document)) else None
        self.rate = _rate(document)
        self.amounts = _amounts(document)
        self.capped = any(
            cap is not None for cap in (self.amounts.rule_cap, self.amounts.line_cap, self.amounts.cart_cap)
        )
        self.buy, self.get, self.times = action.buy or 0, action.get or 0, action.times
        self.by_quantity = action.by == "quantity"
        self.graduated = action.mode == "graduated"
        self.tier_unit = action.unit if action.type == "TIERED" else None
        self.inclusive, self.compound = action.inclusive, action.compound
        self.platform_rate = parse_percent(document.funding.platform, "funding.platform")
        self.act: Act = _act(document)
        self._because: str | None = None
        self._does: str | None = None
        self._told: dict[str, Any] | None = None
        self._telling: tuple[dict[str, Any], str, str] | None = None
        self._written: str | None = None

    @property
    def because(self) -> str:
        """Its condition in words, put once."""
        if self._because is None:
            self._because = self.condition.words()
        return self._because

    @property
    def does(self) -> str:
        """What it does in words, put once."""
        if self._does is None:
            # Many rules do the same: one text for all of them.
            self._does = intern(action_words(self.document))
        return self._does

    @property
    def told(self) -> dict[str, Any]:
        """What every step of a quote tells of it, put once; to be copied."""
        if self._told is None:
            self._told = {
                "step": STEPS[self.step],
                "rule": self.key,
                "version": self.version,
                "type": self.type,
                "level": self.level,
                "priority": self.priority,
            }
        return self._told

    @property
    def telling(self) -> tuple[dict[str, Any], str, str]:
        """What the steps in which it applies have in common, put once: a step without its figures, to be copied; what its
        words begin with, "SPRING (10 % off) takes off"; and why it holds."""
        if self._telling is None:
            verb = "takes off"
            if not self.lowers:
                verb = "finds contained" if self.inclusive else "adds"
                verb = "charges the seller" if self.domain[1] == "seller" else verb
            holds = f"; it holds since {self.because}" if self.document.condition else ""
            step = {
                **self.told,
                "outcome": "applied",
                "because": self.because,
                "does": self.does,
                "base": 0,
                "exact": "",
                "amount": 0,
                "lines": [],
            }
            self._telling = step, f"{self.key} ({self.does}) {verb}", holds
        return self._telling

    @property
    def written(self) -> str:
        """Its document as JSON, put once: what is kept with every quote that it was part of."""
        if self._written is None:
            self._written = json.dumps(
                self.document.model_dump(mode="json", by_alias=True, exclude_defaults=True)
            )
        return self._written

    def holds_at(self, moment: datetime) -> bool:
        """Whether the moment is between its start and its end."""
        return (self.start is None or self.start <= moment) and (self.end is None or moment < self.end)

    def __repr__(self) -> str:
        return f"<Rule: {self.key}>"


def read_documents(given: Any, path: str = "rules") -> list[PricingRuleDocument]:
    """Rules as they are written, each checked by itself. InvalidInputError with the path: `rules[2].action.value`."""
    if not isinstance(given, Sequence) or isinstance(given, str | bytes):
        refuse(path, "rules are a list.", "Write each rule as an object in it.")
    return [read_document(document, f"{path}[{index}]") for index, document in enumerate(given)]


def read_document(given: Any, path: str = "") -> PricingRuleDocument:
    """One rule as it is written, checked by itself; InvalidInputError with the path of the first thing wrong."""
    if isinstance(given, PricingRuleDocument):
        document = given
    elif not isinstance(given, Mapping):
        refuse(path or "$", "a rule is an object.", 'It has at least "key", "type" and "action".')
    else:
        try:
            document = PricingRuleDocument.model_validate(given)
        except ValidationError as error:
            raise as_refusal(error, path) from error
    check_document(document, path)
    return document


def as_refusal(error: ValidationError, path: str) -> InvalidInputError:
    """What pydantic found, as every other refusal: the first problem in words, all of them in `where`."""
    problems = []
    for found in error.errors():
        place = path
        for part in found["loc"]:
            place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else str(part)
        message = found["msg"].removeprefix("Value error, ")
        problems.append(
            {"path": place or "$", "message": message if message.endswith(".") else f"{message}."}
        )
    first = problems[0]
    return InvalidInputError(
        f"{first['path']}: {first['message']}", where={"path": first["path"], "problems": problems}
    )


def _step(document: PricingRuleDocument) -> int:
    if document.type == "DISCOUNT":
        return {"line": LINE_DISCOUNTS, "cart": CART_DISCOUNTS, "shipping": SHIPPING_DISCOUNTS}[
            document.level
        ]
    if document.type == "TAX":
        return TAXES
    return SELLER_CHARGES if payer(document) == "seller" else BUYER_CHARGES


def _rate(document: PricingRuleDocument) -> int:
    action = document.action
    if action.type in ("PERCENTAGE", "PERCENTAGE_OFF"):
        return parse_percent(action.value, "action.value")
    return parse_percent(action.percent, "action.percent")


def _act(document: PricingRuleDocument) -> Act:
    action = document.action.type
    if action == "TIERED":
        return tiered
    if action == "FIXED_AMOUNT":
        return fixed_together if document.level == "cart" else fixed_each
    return ACTS[action]


def _amounts(document: PricingRuleDocument) -> Amounts:
    """The rule's amounts in its own currency."""
    action, caps = document.action, document.caps
    digits = 0 if action.currency is None else minor_digits(action.currency)

    def minor(text: str | None) -> int | None:
        return None if text is None else parse_amount(text, digits, "action.currency")

    return Amounts(
        value=minor(action.value) if action.type in MONEY_ACTIONS else None,
        floor=minor(document.floor),
        rule_cap=minor(caps.rule),
        line_cap=minor(caps.line),
        cart_cap=minor(caps.cart),
        starts=tuple(
            parse_amount(tier.start, digits, "action.tiers") if action.by == "amount" else int(tier.start)
            for tier in action.tiers
        ),
        values=tuple(
            parse_percent(tier.value, "action.tiers")
            if action.unit == "PERCENTAGE"
            else parse_amount(tier.value, digits, "action.tiers")
            for tier in action.tiers
        ),
    )


def converted(rule: Rule, convert: Callable[[int], int]) -> Amounts:
    """The amounts of a rule in another currency, each converted and rounded for itself."""

    def other(amount: int | None) -> int | None:
        return None if amount is None else convert(amount)

    amounts = rule.amounts
    return Amounts(
        value=other(amounts.value),
        floor=other(amounts.floor),
        rule_cap=other(amounts.rule_cap),
        line_cap=other(amounts.line_cap),
        cart_cap=other(amounts.cart_cap),
        starts=amounts.starts if rule.by_quantity else tuple(map(convert, amounts.starts)),
        values=amounts.values
        if rule.tier_unit in (None, "PERCENTAGE")
        else tuple(map(convert, amounts.values)),
    )
