"""The packing station: made for a barcode scanner and a keyboard, and for somebody two steps away from the screen."""

from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from sqlalchemy import RowMapping
from starlette.responses import Response

from entrepot.kit.clock import now
from entrepot.kit.errors import ConflictError, EntrepotError, InvalidInputError, NotFoundError
from entrepot.kit.web.doors import doors
from entrepot.mirakl.accounts.access import AccountAccess, AccountVisiting
from entrepot.mirakl.shipping import packing_queries as queries
from entrepot.mirakl.shipping.packing import Packing, scan, start, state
from entrepot.mirakl.shipping.picking import ParcelPicks, pick_list
from entrepot.mirakl.shipping.queries import select_parcels
from entrepot.mirakl.today.due import left_until, urgency_of
from entrepot.mirakl.visiting import go_to, message_about, render_account

router = APIRouter(include_in_schema=False, prefix="/mirakl/{account_code}")

Text = Annotated[str, Query(max_length=20)]
ShipmentId = Annotated[UUID, Path()]

LAST_SCANS = 8
#: Most parcels that the pick list adds up.
MOST = 200


@dataclass(frozen=True, slots=True)
class Waiting:
    """A parcel that is to be packed, and how much time there is."""

    parcel: ParcelPicks
    urgency: str
    left: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What the last scan was, said loudly."""

    tone: Literal["ok", "bad"]
    words: str


@router.get("/packing")
async def packing_page(request: Request, access: AccountVisiting) -> Response:
    """What is to be packed, the most urgent first, and a field that begins with whatever is scanned."""
    return await _queue(request, access)


@router.post("/packing")
async def begin_form(request: Request, access: AccountVisiting) -> Response:
    """Begin with the parcel that was scanned; with nothing scanned, with the most urgent one."""
    fields = await doors(request).read_form(request)
    access.require("write")
    # A tracking number is printed in groups, and typed so.
    wanted = "".join(fields.get("parcel", "").split())[:255]
    try:
        if wanted:
            return go_to(
                access, "packing", (await start(access.session, access.account_id, wanted)).shipment_id
            )
        waiting = await queries.select_to_pack(access.session, access.account_id, limit=1)
        if not waiting:
            raise NotFoundError("Nothing is left to pack.")
    except (ConflictError, InvalidInputError, NotFoundError) as error:
        return await _queue(request, access, error=error)
    return go_to(access, "packing", waiting[0]["shipment_id"])


@router.get("/packing/{shipment_id}")
async def station_page(
    request: Request, access: AccountVisiting, shipment_id: ShipmentId, heard: Text = ""
) -> Response:
    """One parcel: what comes next, what is in, and the field that the scanner types into."""
    return await _station(request, access, shipment_id, heard=bool(heard))


@router.post("/packing/{shipment_id}")
async def scan_form(request: Request, access: AccountVisiting, shipment_id: ShipmentId) -> Response:
    """Take what was scanned."""
    fields = await doors(request).read_form(request)
    access.require("write")
    try:
        async with access.session.begin_nested():
            await scan(
                access.session,
                access.account_id,
                shipment_id,
                fields.get("barcode", ""),
                by=access.person.user_id,
            )
    except (ConflictError, InvalidInputError) as error:
        return await _station(request, access, shipment_id, error=error)
    # A redirect, so that loading the page again scans nothing again.
    return go_to(access, "packing", shipment_id, heard="1")


@router.get("/pick-list")
async def pick_list_page(request: Request, access: AccountVisiting) -> Response:
    """What to fetch for every parcel that waits, in all and by parcel; made to be printed."""
    return await render_account(
        request,
        access,
        "pick_list.html",
        place="packing",
        picks=await pick_list(access.session, access.account_id, limit=MOST),
    )


async def _queue(request: Request, access: AccountAccess, *, error: EntrepotError | None = None) -> Response:
    picks = await pick_list(access.session, access.account_id, limit=MOST)
    at = now()
    return await render_account(
        request,
        access,
        "packing.html",
        place="packing",
        status=error.status if error else 200,
        messages=message_about(error) if error else (),
        waiting=[
            Waiting(parcel, urgency_of(parcel.ship_by, at), left_until(parcel.ship_by, at))
            for parcel in picks.parcels
        ],
    )


async def _station(
    request: Request,
    access: AccountAccess,
    shipment_id: UUID,
    *,
    heard: bool = False,
    error: EntrepotError | None = None,
) -> Response:
    session, account_id = access.session, access.account_id
    packing = await state(session, account_id, shipment_id)
    (parcel,) = await select_parcels(session, account_id, shipment_id=shipment_id)
    scans = await queries.select_scans(session, account_id, shipment_id)
    last = scans[-1] if scans else None
    said = None
    if error is not None:
        said = Heard("bad", f"{error.detail} {error.hint or ''}".strip())
    elif heard and last is not None:
        said = hear(last, packing, await _other(access, last))
    waiting = await queries.select_to_pack(session, account_id, limit=2) if packing.finished else []
    return await render_account(
        request,
        access,
        "station.html",
        place="packing",
        status=error.status if error else 200,
        packing=packing,
        parcel=parcel,
        said=said,
        scans=list(reversed(scans[-LAST_SCANS:])),
        next_parcel=next((row for row in waiting if row["shipment_id"] != shipment_id), None),
    )


def hear(last: RowMapping, packing: Packing, other: RowMapping | None) -> Heard:
    """The last scan in words that are understood at a glance."""
    name = next(
        (one.name for one in packing.components if one.component_id == last["component_id"]), last["barcode"]
    )
    if last["outcome"] == "component":
        return Heard("ok", f"{name} is in.")
    if last["outcome"] == "label":
        return Heard("ok", "The right label. Packed.")
    return Heard(
        "bad",
        {
            "already": f"{name}: all of it is in already.",
            "not_needed": f"{last['barcode']} does not belong in this parcel. Take it out again.",
            "too_early": "The label comes last.",
            "wrong_label": f"The label of order {other['order_id']}, not of this one."
            if other
            else "The wrong label.",
        }.get(last["outcome"], f"{last['barcode']} is neither a component nor a label that is known."),
    )


async def _other(access: AccountAccess, last: RowMapping) -> RowMapping | None:
    if last["outcome"] != "wrong_label":
        return None
    pin = "".join(last["barcode"].split())
    found = await select_parcels(access.session, access.account_id, tracking_pin=pin)
    return found[0] if found else None
