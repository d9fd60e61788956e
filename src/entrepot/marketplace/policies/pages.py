"""Policies as pages: one recorded decision, and what a version would have decided otherwise."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from entrepot.kit.errors import NotFoundError
from entrepot.marketplace.platforms.access import PlatformVisiting
from entrepot.marketplace.policies.checking import check
from entrepot.marketplace.policies.decisions import Recorded, get_decision
from entrepot.marketplace.policies.documents import PolicyDocument
from entrepot.marketplace.policies.kind import KIND
from entrepot.marketplace.policies.what_if import what_if
from entrepot.marketplace.rulebook.authoring import find_version, list_versions
from entrepot.marketplace.rulebook.editing import as_text
from entrepot.marketplace.rulebook.visiting import KeyOf, head_of, render_rules

router = APIRouter(include_in_schema=False, prefix="/platforms/{platform_code}/policies/{key}")

#: Of how many decisions a version can be asked on a page; the command and the API take more.
SIZES = (100, 1_000, 10_000)


@router.get("/decisions/{decision_id}")
async def decision_page(
    request: Request, access: PlatformVisiting, key: KeyOf, decision_id: UUID
) -> Response:
    """A decision with the part of every rule in it."""
    versions = await list_versions(access.session, KIND, access.platform_id, key)
    found = await get_decision(access.session, access.platform_id, decision_id)
    if found.row["policy_key"] != key:
        raise NotFoundError(f"The decision {decision_id} is not one of {key!r}.")
    return render_rules(
        request,
        access,
        "decision.html",
        kind=KIND,
        **head_of(access, KIND, versions, "decided"),
        row=found.row,
        logged=(shown := logged(found)),
        left=len(found.evaluations) - len(shown),
        lines=found.lines,
        agrees=found.agrees,
        asked=as_text(found.row["input_context_json"]),
        owed=as_text(found.row["obligations_json"]) if found.row["obligations_json"] else "",
    )


@router.get("/what-if")
async def what_if_page(
    request: Request,
    access: PlatformVisiting,
    key: KeyOf,
    version: int | None = None,
    last: Annotated[int, Query(ge=1, le=SIZES[-1])] = 1_000,
) -> Response:
    """A version asked of recorded decisions: the newest, unless another is named."""
    versions = await list_versions(access.session, KIND, access.platform_id, key)
    number = versions[0].version if version is None else version
    _, document = await find_version(access.session, KIND, access.platform_id, key, number)
    draft = check(PolicyDocument.read(document))
    found = await what_if(access.session, access.platform_id, draft, last=last)
    return render_rules(
        request,
        access,
        "what_if.html",
        kind=KIND,
        **head_of(access, KIND, versions, "what-if"),
        versions=versions,
        asked=number,
        last=last,
        sizes=sorted({*SIZES, last}),
        found=found,
        contexts=[as_text(dict(one.context)) for one in found.examples],
    )


def logged(found: Recorded) -> list[dict[str, Any]]:
    """The evaluation log of a decision: of each rule that is told of, and of the default, with the reason for its part."""
    whys = {rule.rule: rule.why for rule in found.rules}
    return [
        {
            "rule": row["rule_key"] or "the default",
            "name": row["rule_name"],
            "contribution": row["contribution"],
            "why": whys[row["rule_key"]] if row["rule_key"] else _why_default(found),
        }
        for row in found.evaluations
        if row["rule_key"] is None or row["rule_key"] in whys
    ]


def _why_default(found: Recorded) -> str:
    if found.row["policy_suspended"]:
        return "the policy was suspended."
    decisive = found.row["decisive_rule_key"]
    return f"{decisive} comes before it." if decisive else "no rule decides."
