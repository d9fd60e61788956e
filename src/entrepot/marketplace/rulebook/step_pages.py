"""Taking a version through its states, as pages: first what it means, then doing it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from entrepot.kit.errors import ConflictError, EntrepotError, InvalidInputError, NotFoundError
from entrepot.kit.web.doors import doors
from entrepot.kit.web.rendering import Message
from entrepot.marketplace.platforms.access import PlatformAccess, PlatformVisiting
from entrepot.marketplace.rulebook.authoring import (
    Version,
    discard_draft,
    find_version,
    list_versions,
    publish,
    roll_back,
    take_step,
)
from entrepot.marketplace.rulebook.offering import DISCARD, PUBLISH, ROLL_BACK, Offer, find_offer
from entrepot.marketplace.rulebook.pages import changes_shown
from entrepot.marketplace.rulebook.queries import AnyKind
from entrepot.marketplace.rulebook.reading import compare_versions
from entrepot.marketplace.rulebook.visiting import KeyOf, KindOf, address, head_of, names_of, render_rules

router = APIRouter(include_in_schema=False)

Step = Annotated[str, Query(max_length=30)]


@router.get("/platforms/{platform_code}/{plural}/{key}/steps")
async def confirm_page(
    request: Request, access: PlatformVisiting, kind: KindOf, key: KeyOf, step: Step, version: int
) -> Response:
    """What a step means, before it is taken."""
    return await _confirm(request, access, kind, key, step, version)


@router.post("/platforms/{platform_code}/{plural}/{key}/steps")
async def take_step_form(request: Request, access: PlatformVisiting, kind: KindOf, key: KeyOf) -> Response:
    """Take a step and show what has become of it."""
    fields = await doors(request).read_form(request)
    step, reason = fields.get("step", ""), fields.get("reason", "").strip() or None
    try:
        number = int(fields.get("version", ""))
    except ValueError:
        raise InvalidInputError("The form names no version.", hint="Open the page again.") from None
    versions = await list_versions(access.session, kind, access.platform_id, key)
    chosen, _ = await find_version(access.session, kind, access.platform_id, key, number)
    offer = find_offer(kind, versions, chosen, step)
    try:
        if offer is None or chosen.state != fields.get("state", chosen.state):
            raise ConflictError(
                f"Version {number} is in state {chosen.state} now.",
                hint="Somebody else was quicker; this is how it stands.",
            )
        access.require(offer.scope)
        # What fails half-way is undone before the page that says so is shown.
        async with access.session.begin_nested():
            done = await _take(access, kind, key, chosen, offer, reason)
    except (ConflictError, InvalidInputError, NotFoundError) as error:
        return await _confirm(request, access, kind, key, step, number, reason=reason, error=error)
    place = address(access, kind, key)
    if done is None:
        left = [one for one in versions if one.version != number]
        return _see(f"{place if left else address(access, kind)}?done=discarded")
    return _see(f"{place}?version={done.version}&done={step}")


async def _take(
    access: PlatformAccess, kind: AnyKind, key: str, version: Version, offer: Offer, reason: str | None
) -> Version | None:
    session, platform_id = access.session, access.platform_id
    if offer.step == DISCARD:
        await discard_draft(session, kind, platform_id, key)
        return None
    if offer.step == ROLL_BACK:
        return await roll_back(
            session, kind, platform_id, key, version.version, user_id=access.person.user_id, reason=reason
        )
    if offer.step == PUBLISH:
        return await publish(session, kind, platform_id, key, reason=reason)
    return await take_step(session, kind, platform_id, key, offer.step, number=version.version, reason=reason)


async def _confirm(
    request: Request,
    access: PlatformAccess,
    kind: AnyKind,
    key: str,
    step: str,
    number: int,
    *,
    reason: str | None = None,
    error: EntrepotError | None = None,
) -> Response:
    session, platform_id = access.session, access.platform_id
    versions = await list_versions(session, kind, platform_id, key)
    chosen, _ = await find_version(session, kind, platform_id, key, number)
    offer = find_offer(kind, versions, chosen, step)
    if offer is None and error is None:
        raise ConflictError(
            f"Nothing called {step!r} can be done with version {number}, which is in state {chosen.state}.",
            hint="Its page shows what can.",
        )
    if offer is not None:
        access.require(offer.scope)
    head = head_of(access, kind, versions, "")
    changes = None
    if offer is not None and offer.target == kind.machine.serving and chosen.state not in kind.machine.live:
        live = head["live"]
        _, _, found = await compare_versions(
            session, kind, platform_id, key, live.version if live else None, number
        )
        changes = changes_shown(found) if live else None
    return render_rules(
        request,
        access,
        "confirm.html",
        kind=kind,
        **head,
        shown=chosen,
        offer=offer,
        changes=changes,
        reason=reason or "",
        status=error.status if error else 200,
        messages=(Message("bad", error.detail, error.hint or ""),) if error else (),
        names=await names_of(request, _writers(versions)),
    )


def _writers(versions: list[Version]) -> list[UUID | None]:
    return [version.created_by for version in versions]


def _see(where: str) -> RedirectResponse:
    return RedirectResponse(where, status_code=303)
