"""Deciding: the rules of a policy compiled once, and asked as often as one likes. No database is needed.

    policy = Policy.compile({"key": "RETURNS", "name": "Returns", "rules": […]})
    decision = policy.evaluate({"region": "EU", "days": 12})
    decision.effect, decision.reason, decision.obligations

What decides: of the active rules that are in force at the moment asked about and whose scopes and condition the
context meets, the one of highest priority; at equal priority DENY before ALLOW, then the rule with more dimensions
of scope, then the lesser key. A rule without a result decides nothing. Where none decides, the policy's default effect holds. Obligations
are those of every matching rule, in that same order. So the rules are put into that order once, when they are compiled, and
the first match with a result is the answer.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, Self
from uuid import UUID

import orjson

from entrepot.kit.clock import now
from entrepot.kit.errors import InvalidInputError, NotFoundError
from entrepot.kit.rules import Condition, RuleIndex, Schema, compile_condition
from entrepot.marketplace.policies.documents import PolicyDocument, RuleDocument
from entrepot.marketplace.policies.effects import Result
from entrepot.marketplace.policies.scopes import Window, attribute_scopes, check_scopes, specificity, windows

Contribution = Literal["DECISIVE", "OVERRIDDEN", "IRRELEVANT"]
DECISIVE: Final = "DECISIVE"
OVERRIDDEN: Final = "OVERRIDDEN"
IRRELEVANT: Final = "IRRELEVANT"

Context = Mapping[str, Any]
Groups = Mapping[str, Collection[Any]]


@dataclass(frozen=True, slots=True)
class Owed:
    """An obligation that a matching rule lays on whoever asked."""

    type: str
    parameters: Mapping[str, Any]
    rule: str
    reason: str | None

    def as_dict(self) -> dict[str, Any]:
        """As JSON: the type, its parameters, and where it comes from."""
        return {"type": self.type, **self.parameters, "rule": self.rule, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one rule had to do with a decision; `rule` is None for the default effect."""

    order: int
    rule: str | None
    rule_id: UUID | None
    matched: bool
    contribution: Contribution
    output: Mapping[str, Any] | None


class Rule:
    """A rule compiled: its place in the order of its policy, and all that deciding needs of it."""

    __slots__ = (
        "condition",
        "document",
        "id",
        "obligations",
        "order",
        "output",
        "reason",
        "result",
        "windows",
        "written",
    )

    def __init__(self, document: RuleDocument, condition: Condition, rule_id: UUID | None) -> None:
        self.document = document
        self.condition = condition
        self.id = rule_id
        self.order = 0
        self.result: Result | None = document.effect.result
        self.reason = document.effect.reason
        self.output = document.effect.stored()
        self.written = orjson.dumps(self.output).decode()
        self.obligations = tuple(
            Owed(one.type, one.parameters(), document.key, document.effect.reason)
            for one in document.effect.obligations
        )
        spans = windows(document.scopes, document.start_time, document.end_time)
        self.windows: tuple[Window, ...] | None = None if spans == (Window(None, None),) else spans

    @property
    def key(self) -> str:
        """Its name in the policy."""
        return self.document.key

    def in_force(self, at: datetime) -> bool:
        """Whether its dates hold the moment."""
        if self.windows is None:
            return True
        return any(window.holds(at) for window in self.windows)


class Decision:
    """What a policy says of a context: the effect, the rule that decided, and what is owed besides.

    `matched` are the rules that matched, in the order of precedence; `id` is set once the decision is to be recorded.
    """

    __slots__ = ("at", "context", "effect", "id", "matched", "policy", "rule")

    def __init__(
        self, policy: "Policy", context: Context, at: datetime, matched: Sequence[Rule], rule: Rule | None
    ) -> None:
        self.policy = policy
        self.context = context
        self.at = at
        self.matched = matched
        self.rule = rule
        self.effect: Result = policy.default_effect if rule is None else rule.result  # type: ignore[assignment]
        self.id: UUID | None = None

    @property
    def allowed(self) -> bool:
        """Whether the effect is ALLOW."""
        return self.effect == "ALLOW"

    @property
    def decisive(self) -> str | None:
        """The key of the rule that decided; None for the default effect."""
        return None if self.rule is None else self.rule.key

    @property
    def reason(self) -> str:
        """The reason of the rule that decided; a sentence where it has none or where the default effect holds."""
        if self.rule is not None:
            return self.rule.reason or f"The rule {self.rule.key} says so."
        if self.policy.suspended:
            return f"{self.policy.key} is suspended; its default effect holds."
        return f"No rule of {self.policy.key} decides; its default effect holds."

    @property
    def obligations(self) -> list[Owed]:
        """What every matching rule obliges to, in the order of precedence."""
        return [owed for rule in self.matched for owed in rule.obligations]

    @property
    def irrelevant(self) -> int:
        """How many rules of the policy did not match."""
        return len(self.policy.rules) - len(self.matched)

    def evaluations(self, *, every: bool = False) -> list[Evaluation]:
        """What the rules that matched had to do with it, and the default effect last; with `every`, all rules."""
        met = {rule.order for rule in self.matched}
        found = [
            _evaluation(rule, rule.order in met, rule is self.rule)
            for rule in (self.policy.rules if every else self.matched)
        ]
        default: Contribution = OVERRIDDEN if self.rule is not None else DECISIVE
        output = {"result": self.policy.default_effect}
        found.append(Evaluation(len(self.policy.rules) + 1, None, None, True, default, output))
        return found

    def as_dict(self) -> dict[str, Any]:
        """As JSON, for a program that acts on it."""
        return {
            "id": self.id,
            "policy": self.policy.key,
            "version": self.policy.version,
            "effect": self.effect,
            "rule": self.decisive,
            "reason": self.reason,
            "obligations": [owed.as_dict() for owed in self.obligations],
            "evaluated_at": self.at,
        }

    def __repr__(self) -> str:
        return f"<Decision {self.effect} by {self.decisive or 'default'} of {self.policy.key}>"


class Policy:
    """One version of a policy, compiled."""

    __slots__ = (
        "_dated",
        "_matching",
        "default_effect",
        "definition_id",
        "document",
        "groups",
        "index",
        "key",
        "rules",
        "schema",
        "suspended",
        "version",
    )

    def __init__(
        self,
        document: PolicyDocument,
        rules: Iterable[Rule],
        schema: Schema | None,
        *,
        definition_id: UUID | None = None,
        version: int | None = None,
        suspended: bool = False,
    ) -> None:
        self.document = document
        self.key = document.key
        self.default_effect: Result = document.default_effect
        self.groups: Groups | None = {name: list(held) for name, held in document.groups.items()} or None
        self.schema = schema
        self.definition_id = definition_id
        self.version = version
        self.suspended = suspended
        self.rules: tuple[Rule, ...] = tuple(sorted(rules, key=lambda rule: precedence(rule.document)))
        for order, rule in enumerate(self.rules, 1):
            rule.order = order
        taking_part = [rule for rule in self.rules if rule.document.active and rule.windows != ()]
        self.index = RuleIndex([(rule, rule.condition) for rule in taking_part])
        self._matching = self.index.matching
        self._dated = any(rule.windows is not None for rule in taking_part)

    @classmethod
    def compile(
        cls,
        document: PolicyDocument | Mapping[str, Any],
        *,
        definition_id: UUID | None = None,
        version: int | None = None,
        suspended: bool = False,
        rule_ids: Mapping[str, UUID] | None = None,
    ) -> Self:
        """A policy from its document. Raises InvalidInputError with the path of what cannot be used."""
        read = PolicyDocument.read(document)
        schema = None if read.context_schema is None else Schema(read.context_schema, "context_schema")
        known = rule_ids or {}
        rules = [
            Rule(rule, whole_condition(rule, schema, f"rules[{number}]"), known.get(rule.key))
            for number, rule in enumerate(read.rules)
        ]
        return cls(read, rules, schema, definition_id=definition_id, version=version, suspended=suspended)

    def evaluate(
        self, context: Context, at: datetime | None = None, groups: Groups | None = None
    ) -> Decision:
        """The decision on a context at a moment, the present one without it.

        `groups` stand for those of the policy's document where given. Raises InvalidInputError for a context that is
        no object, or that the policy's schema refuses.
        """
        if context.__class__ is not dict and not isinstance(context, Mapping):
            raise InvalidInputError(
                f"The context is no object but {type(context).__name__}.",
                hint='Give attributes with their values: {"region": "EU"}.',
                where={"path": "context"},
            )
        if self.schema is not None:
            self.schema.check_context(context)
        if at is None:
            at = now()
        if self.suspended:
            return Decision(self, context, at, (), None)
        matched = self._matching(context, groups or self.groups)
        if self._dated and matched:
            matched = [rule for rule in matched if rule.windows is None or rule.in_force(at)]
        for rule in matched:
            if rule.result is not None:
                return Decision(self, context, at, matched, rule)
        return Decision(self, context, at, matched, None)

    def __repr__(self) -> str:
        return f"<Policy {self.key} of {len(self.rules)} rules>"


class PolicySet:
    """The policies of one owner, by their keys."""

    __slots__ = ("_policies",)

    def __init__(self, policies: Iterable[Policy] = ()) -> None:
        self._policies = {policy.key: policy for policy in policies}

    @classmethod
    def compile(cls, documents: Iterable[PolicyDocument | Mapping[str, Any]]) -> Self:
        """Every policy of the documents. Raises InvalidInputError with the path of what cannot be used."""
        return cls(Policy.compile(document) for document in documents)

    def __getitem__(self, key: str) -> Policy:
        try:
            return self._policies[key]
        except KeyError:
            raise NotFoundError(
                f"There is no published policy {key}.",
                hint="Publish it first, or look at how its key is written.",
            ) from None

    def __iter__(self) -> Iterator[Policy]:
        return iter(self._policies.values())

    def __len__(self) -> int:
        return len(self._policies)

    def __contains__(self, key: str) -> bool:
        return key in self._policies

    def evaluate(
        self, key: str, context: Context, at: datetime | None = None, groups: Groups | None = None
    ) -> Decision:
        """The decision of one of them. Raises NotFoundError where there is none of that key."""
        return self[key].evaluate(context, at, groups)


def precedence(rule: RuleDocument) -> tuple[int, int, int, str]:
    """Where a rule stands among those of its policy: the lesser, the sooner."""
    rank = {"DENY": 0, "ALLOW": 1}.get(rule.effect.result or "", 2)
    return (-rule.priority, rank, -specificity(rule.scopes), rule.key)


def whole_condition(rule: RuleDocument, schema: Schema | None, path: str) -> Condition:
    """The condition of a rule and its scopes as one, so that the index uses the scopes too."""
    check_scopes(rule.scopes, f"{path}.scopes")
    own = compile_condition(rule.condition, schema=schema, path=f"{path}.condition")
    parts = attribute_scopes(rule.scopes)
    if not parts:
        return own
    for dimension, part in parts.items():
        compile_condition(part, schema=schema, path=f"{path}.scopes.{dimension}")
    narrowed = {attribute: wanted for part in parts.values() for attribute, wanted in part.items()}
    if any(name in narrowed or name.startswith("$") for name in rule.condition):
        return compile_condition({"$and": [rule.condition, narrowed]}, schema=schema, path=path)
    return compile_condition({**rule.condition, **narrowed}, schema=schema, path=path)


def _evaluation(rule: Rule, matched: bool, decisive: bool) -> Evaluation:
    contribution: Contribution = DECISIVE if decisive else OVERRIDDEN if matched else IRRELEVANT
    return Evaluation(rule.order, rule.key, rule.id, matched, contribution, rule.output if matched else None)
