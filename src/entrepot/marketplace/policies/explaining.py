"""Why a decision is what it is: of each rule what it had to do with it, in words and in parts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from entrepot.kit.rules import Explanation
from entrepot.marketplace.policies.documents import PolicyDocument, RuleDocument
from entrepot.marketplace.policies.evaluating import Contribution, Decision, Policy, Rule
from entrepot.marketplace.policies.scopes import in_words

#: How many of the rules that did not match are told of where there are more.
IRRELEVANT_TOLD = 50


@dataclass(frozen=True, slots=True)
class RuleExplained:
    """What one rule had to do with a decision; `condition` is its parts, None where it was not asked."""

    order: int
    rule: str
    name: str | None
    contribution: Contribution
    why: str
    condition: Explanation | None

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "order": self.order,
            "rule": self.rule,
            "name": self.name,
            "contribution": self.contribution,
            "why": self.why,
            "condition": None if self.condition is None else self.condition.as_dict(),
        }


def explain(decision: Decision, *, irrelevant: int = IRRELEVANT_TOLD) -> list[RuleExplained]:
    """The rules of a policy as a decision met them: those that matched, and the first so many of those that did not."""
    said = {one.rule: one for one in decision.evaluations(every=True)}
    found = []
    left = irrelevant
    for rule in decision.policy.rules:
        evaluation = said[rule.key]
        if not evaluation.matched:
            if left == 0:
                continue
            left -= 1
        why, condition = _why(rule, decision, evaluation.contribution)
        found.append(
            RuleExplained(
                rule.order, rule.key, rule.document.name, evaluation.contribution, why, condition
            )
        )  # fmt: skip
    return found


def lines(decision: Decision, *, irrelevant: int = IRRELEVANT_TOLD) -> list[str]:
    """A decision in sentences, for people: what holds, why, what is owed, and how each rule came out."""
    by = f"the rule {decision.decisive}" if decision.rule is not None else "the default"
    found = [f"{decision.effect} by {by}: {decision.reason}"]
    found += [f"Owed: {_owed(one.type, one.parameters)} ({one.rule})." for one in decision.obligations]
    told = explain(decision, irrelevant=irrelevant)
    for one in told:
        found.append(f"{one.order}. {one.rule} is {one.contribution.lower()}: {one.why}")
        if one.condition is not None and one.contribution == "IRRELEVANT":
            found += [f"   {line}" for line in one.condition.lines()]
    left = len(decision.policy.rules) - len(told)
    if left:
        found.append(f"… and {left:,} more that did not match.")
    return found


def words(document: PolicyDocument) -> list[str]:
    """A policy in sentences, one a rule, the ones that come first first."""
    policy = Policy.compile(document)
    found = [f"{document.name}: {document.default_effect} unless a rule says otherwise."]
    return found + [rule_words(rule) for rule in policy.rules]


def rule_words(rule: Rule) -> str:
    """A rule in a sentence."""
    document = rule.document
    deeds: list[str] = [document.effect.result] if document.effect.result else []
    deeds += [_owed(owed.type, owed.parameters) for owed in rule.obligations]
    grounds = [rule.condition.words() if rule.condition.source else ""]
    grounds.append(_when(document))
    ground = ", ".join(part for part in grounds if part) or "always"
    reason = f" ({document.effect.reason})" if document.effect.reason else ""
    rest = "" if document.active else "; inactive"
    return f"Priority {document.priority}, {document.key}: {' and '.join(deeds)}{reason} if {ground}{rest}."


def _why(rule: Rule, decision: Decision, contribution: Contribution) -> tuple[str, Explanation | None]:
    document = rule.document
    if decision.policy.suspended:
        return "the policy was suspended.", None
    if not document.active:
        return "it is inactive.", None
    if not rule.in_force(decision.at):
        return f"it is not in force at {_moment(decision.at)}, but {_when(document)}.", None
    condition = rule.condition.explain(decision.context, decision.policy.groups)
    if contribution == "IRRELEVANT":
        return "its condition is not met.", condition
    if contribution == "DECISIVE":
        return "it matches, and no matching rule comes before it.", condition
    if rule.result is None:
        return "it matches, and only obliges.", condition
    return f"it matches, and {decision.decisive} comes before it.", condition


def _when(document: RuleDocument) -> str:
    parts = []
    if document.start_time is not None:
        parts.append(f"from {_moment(document.start_time)}")
    if document.end_time is not None:
        parts.append(f"until {_moment(document.end_time)}")
    if "DATE_RANGE" in document.scopes:
        parts.append(in_words({"DATE_RANGE": document.scopes["DATE_RANGE"]}))
    return " ".join(parts)


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if not at.second else f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _owed(kind: str, parameters: Any) -> str:
    given: Iterable[str] = (f"{name.replace('_', ' ')} {value}" for name, value in parameters.items())
    shown = ", ".join(given)
    return f"{kind.replace('_', ' ').lower()} ({shown})" if shown else kind.replace("_", " ").lower()
