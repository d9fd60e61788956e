"""The rules of a platform as pages: what needs somebody, the definitions of a kind, and one definition."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from entrepot.kit.output import to_json
from entrepot.marketplace.platforms.access import PlatformAccess, PlatformVisiting
from entrepot.marketplace.rulebook import queries
from entrepot.marketplace.rulebook.authoring import list_versions
from entrepot.marketplace.rulebook.comparing import Difference
from entrepot.marketplace.rulebook.editing import as_text
from entrepot.marketplace.rulebook.files import write_document
from entrepot.marketplace.rulebook.kinds import Decided
from entrepot.marketplace.rulebook.offering import offers
from entrepot.marketplace.rulebook.queries import AnyKind
from entrepot.marketplace.rulebook.reading import (
    compare_versions,
    get_definition,
    list_keys,
    list_steps,
    list_waiting,
)
from entrepot.marketplace.rulebook.registry import kinds
from entrepot.marketplace.rulebook.visiting import (
    DECIDED,
    KeyOf,
    KindOf,
    address,
    head_of,
    messages_of,
    names_of,
    render_rules,
)

router = APIRouter(include_in_schema=False)

Text = Annotated[str, Query(max_length=100)]
LAST_STEPS = 12
LAST_DECIDED = 50

#: How each kind is asked on the command line, to show where nothing was decided yet.
ASKED = {
    "policy": "entrepot policy evaluate {key} --context '{example}' --platform {code}",
    "experiment": "entrepot experiment assign {key} --context '{example}' --platform {code}",
    "price": "entrepot price quote --platform {code} < cart.json",
    "limit": "entrepot limit reserve {key} --entity seller-1 --platform {code}",
}


@router.get("/platforms/{platform_code}")
async def overview_page(request: Request, access: PlatformVisiting) -> Response:
    """What waits for somebody, how many rules of each kind there are, and what was changed last."""
    session, platform_id = access.session, access.platform_id
    counted = []
    steps: list[dict[str, Any]] = []
    for kind in kinds():
        machine = kind.machine
        states = await queries.count_states(session, kind, platform_id)
        counted.append(
            {
                "kind": kind,
                "live": states.get(machine.serving, 0),
                "stopped": sum(states.get(state, 0) for state in machine.paused),
                "waiting": sum(states.get(state, 0) for state in machine.waiting),
            }
        )
        moves = (*machine.live, machine.superseded)
        rows = await queries.select_last_steps(session, kind, platform_id, moves, LAST_STEPS)
        steps += [{**row, "kind": kind, "href": address(access, kind, row["key"])} for row in rows]
    steps = sorted(steps, key=lambda step: (step["occurred_at"], step["id"]), reverse=True)[:LAST_STEPS]
    waiting = await list_waiting(session, kinds(), platform_id, limit=30)
    users = [*(step["user_id"] for step in steps), *(one.user_id for one in waiting)]
    return render_rules(
        request,
        access,
        "overview.html",
        counted=counted,
        waiting=[
            {"version": one, "href": f"{address(access, one.kind, one.key)}?version={one.version}"}
            for one in waiting
        ],
        steps=steps,
        hearing=access.engines.changes.hearing,
        names=await names_of(request, users),
    )


@router.get("/platforms/{platform_code}/{plural}")
async def list_page(
    request: Request,
    access: PlatformVisiting,
    kind: KindOf,
    q: Text = "",
    state: Text = "",
    after: str | None = None,
    before: str | None = None,
    done: str = "",
) -> Response:
    """The definitions of a kind."""
    wanted = state if state in kind.machine.states else None
    page = await list_keys(
        access.session,
        kind,
        access.platform_id,
        q=q.strip() or None,
        state=wanted,
        after=after,
        before=before,
    )
    return render_rules(
        request,
        access,
        "list.html",
        kind=kind,
        page=page,
        place=address(access, kind),
        filters={"q": q, "state": wanted or ""},
        filtered=bool(q.strip() or wanted),
        names=await names_of(request, (row.created_by for row in page.rows)),
        messages=messages_of(done),
    )


@router.get("/platforms/{platform_code}/{plural}/{key}")
async def definition_page(
    request: Request,
    access: PlatformVisiting,
    kind: KindOf,
    key: KeyOf,
    version: int | None = None,
    done: str = "",
) -> Response:
    """One version of a definition: in words, as it is written, and what can be done with it."""
    session, platform_id = access.session, access.platform_id
    versions = await list_versions(session, kind, platform_id, key)
    definition = await get_definition(session, kind, platform_id, key, version)
    shown = definition.version
    steps = [
        row for row in await list_steps(session, kind, platform_id, key) if row["version"] == shown.version
    ]
    return render_rules(
        request,
        access,
        "definition.html",
        kind=kind,
        **head_of(access, kind, versions, ""),
        shown=shown,
        words=definition.words,
        text=write_document(definition.document),
        offers=[one for one in offers(kind, versions, shown) if access.caller.may(one.scope)],
        steps=steps,
        names=await names_of(request, [shown.created_by, *(row["user_id"] for row in steps)]),
        saved=done == "saved",
        messages=messages_of(done),
    )


@router.get("/platforms/{platform_code}/{plural}/{key}/versions")
async def versions_page(
    request: Request,
    access: PlatformVisiting,
    kind: KindOf,
    key: KeyOf,
    old: int | None = None,
    new: int | None = None,
) -> Response:
    """The versions of a definition, what differs between two of them, and every step that was taken."""
    session, platform_id = access.session, access.platform_id
    versions = await list_versions(session, kind, platform_id, key)
    earlier, later, changes = await compare_versions(session, kind, platform_id, key, old, new)
    steps = await list_steps(session, kind, platform_id, key)
    may = access.caller.may
    return render_rules(
        request,
        access,
        "versions.html",
        kind=kind,
        **head_of(access, kind, versions, "versions"),
        versions=[
            {"version": one, "offers": [o for o in offers(kind, versions, one) if may(o.scope)]}
            for one in versions
        ],
        earlier=earlier,
        later=later,
        changes=changes_shown(changes),
        steps=steps,
        names=await names_of(
            request, [*(one.created_by for one in versions), *(row["user_id"] for row in steps)]
        ),
    )


@router.get("/platforms/{platform_code}/{plural}/{key}/decided")
async def decided_page(request: Request, access: PlatformVisiting, kind: KindOf, key: KeyOf) -> Response:
    """The last things that a definition decided."""
    session, platform_id = access.session, access.platform_id
    versions = await list_versions(session, kind, platform_id, key)
    found = await kind.recent(session, platform_id, key, LAST_DECIDED)
    definition = await get_definition(session, kind, platform_id, key)
    return render_rules(
        request,
        access,
        "decided.html",
        kind=kind,
        **head_of(access, kind, versions, "decided"),
        title=DECIDED[kind.name],
        decided=[
            {"one": one, "href": decided_href(access, kind, key, one), "detail": as_text(dict(one.detail))}
            for one in found
        ],
        command=command_for(kind, key, kind.example(definition.document), access.platform.code),
    )


def changes_shown(changes: Sequence[Difference]) -> list[dict[str, str | None]]:
    """Differences as the template takes them."""
    return [{"field": one.path, "old": one.old_text, "new": one.new_text} for one in changes]


def command_for(kind: AnyKind, key: str, example: Mapping[str, Any], code: str) -> str:
    """A command that asks a definition, as a shell takes it."""
    given = to_json(example).decode().strip().replace("'", "'\\''")
    found = ASKED[kind.name].replace("{key}", key).replace("{code}", code)
    return found.replace("{example}", given)


def decided_href(access: PlatformAccess, kind: AnyKind, key: str, one: Decided) -> str | None:
    """Where a decision has a page of its own."""
    identifier = {"policy": "id", "price": "decision"}.get(kind.name)
    if identifier is None or identifier not in one.detail:
        return None
    return address(access, kind, key, "decisions", str(one.detail[identifier]))
