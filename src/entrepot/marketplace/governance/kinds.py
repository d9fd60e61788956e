"""The nine kinds of centralized policy: of each its table, its document, and the tables of its parts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, cast

from sqlalchemy import Table

from entrepot.kit.errors import NotFoundError
from entrepot.marketplace.governance import conduct_tables as conduct
from entrepot.marketplace.governance import money_tables as money
from entrepot.marketplace.governance import schemas
from entrepot.marketplace.governance.schemas import GovernedDocument
from entrepot.marketplace.governance.tables import Governed, GovernedPart
from entrepot.marketplace.governance.words import KINDS

#: What the columns of a version hold beside what its document says.
OWN_COLUMNS = frozenset(
    {
        "id",
        "platform_id",
        "version",
        "state",
        "created_by",
        "published_at",
        "retired_at",
        "created_at",
        "updated_at",
    }
)


@dataclass(frozen=True)
class GovernedKind:
    """One kind. `parts`: field of the document → table of the rows that the list holds."""

    name: str
    title: str
    document: type[GovernedDocument]
    definition: type[Governed]
    parts: Mapping[str, type[GovernedPart]]

    @property
    def table(self) -> Table:
        """The table of its versions."""
        return cast(Table, self.definition.__table__)  # type: ignore[attr-defined]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that its document fills."""
        return tuple(column.name for column in self.table.columns if column.name not in OWN_COLUMNS)

    @property
    def slot_columns(self) -> tuple[str, ...]:
        """What a version shares with those that it follows, beside the platform."""
        return (*(("policy_kind",) if self.name == "experiment" else ()), "country_code", "seller_type")

    def slot(self, document: GovernedDocument) -> dict[str, str]:
        """The values of `slot_columns` in a document."""
        return {column: getattr(document, column) for column in self.slot_columns}


def part_table(part: type[GovernedPart]) -> Table:
    """The table of parts."""
    return cast(Table, part.__table__)  # type: ignore[attr-defined]


def part_columns(part: type[GovernedPart]) -> tuple[str, ...]:
    """The columns of a part that its document fills."""
    own = {"id", "platform_id", "policy_id", part.order_column}
    return tuple(column.name for column in part_table(part).columns if column.name not in own)


GOVERNED_KINDS: dict[str, GovernedKind] = {
    kind.name: kind
    for kind in (
        GovernedKind(
            "onboarding",
            "Onboarding",
            schemas.OnboardingDocument,
            conduct.OnboardingPolicy,
            {"steps": conduct.OnboardingPolicyRule},
        ),
        GovernedKind("promotion", "Promotion", schemas.PromotionDocument, money.PromotionPolicy, {}),
        GovernedKind(
            "commission",
            "Commission",
            schemas.CommissionDocument,
            money.CommissionPolicy,
            {"rates": money.CommissionPolicyRate, "volume_discounts": money.CommissionPolicyVolume},
        ),
        GovernedKind(
            "payout", "Payout", schemas.PayoutDocument, money.PayoutPolicy, {"rules": money.PayoutPolicyRule}
        ),
        GovernedKind(
            "compliance",
            "Compliance",
            schemas.ComplianceDocument,
            conduct.CompliancePolicy,
            {"certifications": conduct.CompliancePolicyCertification},
        ),
        GovernedKind(
            "tax",
            "Tax",
            schemas.TaxDocument,
            money.TaxPolicy,
            {"nexus": money.TaxPolicyNexus, "codes": money.TaxPolicyCode},
        ),
        GovernedKind(
            "fulfillment", "Fulfillment", schemas.FulfillmentDocument, conduct.FulfillmentPolicy, {}
        ),
        GovernedKind(
            "eligibility",
            "Product eligibility",
            schemas.EligibilityDocument,
            conduct.ProductEligibilityPolicy,
            {"gates": conduct.ProductEligibilityPolicyGate},
        ),
        GovernedKind(
            "experiment",
            "Tests of policies",
            schemas.ExperimentDocument,
            conduct.PolicyExperimentFlags,
            {"variants": conduct.PolicyExperimentVariant},
        ),
    )
}
assert GOVERNED_KINDS.keys() == KINDS.keys()


def kind_of(name: str) -> GovernedKind:
    """The kind of a name; NotFoundError for one that there is not."""
    found = GOVERNED_KINDS.get(name)
    if found is None:
        near = get_close_matches(name, GOVERNED_KINDS, n=1)
        raise NotFoundError(
            f"There is no kind of policy {name!r}.",
            hint=f"Did you mean {near[0]}?" if near else f"There is {', '.join(GOVERNED_KINDS)}.",
            where={"kind": name},
        )
    return found


def document_values(kind: GovernedKind, document: GovernedDocument) -> dict[str, Any]:
    """The columns of a version."""
    return {column: _stored(getattr(document, column)) for column in kind.columns}


def part_values(
    kind: GovernedKind, document: GovernedDocument, field: str, more: Sequence[Mapping[str, Any]] = ()
) -> list[dict[str, Any]]:
    """The rows of one list of a document; `more` is what each row holds beside what the document says."""
    part = kind.parts[field]
    rows = []
    for index, item in enumerate(getattr(document, field)):
        known = {column: getattr(item, column) for column in part_columns(part) if hasattr(item, column)}
        rows.append({**known, **(more[index] if more else {}), part.order_column: index + 1})
    return rows


def _stored(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
