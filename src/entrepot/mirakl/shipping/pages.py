"""Labels as pages: those to print, several as one PDF, one as a file, and a label taken back."""

from collections.abc import Mapping, Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from sqlalchemy import RowMapping
from starlette.responses import Response

from entrepot.kit.errors import (
    ConflictError,
    EntrepotError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
)
from entrepot.kit.web.doors import doors
from entrepot.kit.web.members import transaction
from entrepot.kit.web.requests import settings_of
from entrepot.mirakl.accounts.access import AccountAccess, AccountCalling, AccountVisiting
from entrepot.mirakl.failures.outcomes import ServiceError
from entrepot.mirakl.orders.pages import show_order_page
from entrepot.mirakl.services import Services
from entrepot.mirakl.shipping import page_queries
from entrepot.mirakl.shipping.deciding import accept_label, take_back
from entrepot.mirakl.shipping.labelling import read_label
from entrepot.mirakl.shipping.printing import label_pdf, print_labels
from entrepot.mirakl.shipping.queries import select_parcels
from entrepot.mirakl.shipping.storing import labels_directory
from entrepot.mirakl.visiting import go_to, message_about, render_account

router = APIRouter(include_in_schema=False, prefix="/mirakl/{account_code}")

Text = Annotated[str, Query(max_length=255)]
ShipmentId = Annotated[UUID, Path()]

#: Most labels on the page, and in one PDF.
MOST = 100
#: A field of the form that chooses labels: this and the parcel's id.
CHOSEN = "parcel-"
#: The browser's own viewer of PDF is an object in a page that it makes; nothing else may be in it.
VIEWER = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"


@router.get("/labels")
async def labels_page(request: Request, access: AccountVisiting, show: Text = "unprinted") -> Response:
    """The labels that were not printed yet, or all of orders that are under way."""
    return await _labels(request, access, unprinted=show != "all")


@router.post("/labels/print")
async def print_form(request: Request, access: AccountVisiting) -> Response:
    """The chosen labels as one PDF, in the order of the page; each is counted as printed."""
    fields = await doors(request).read_form(request)
    access.require("write")
    try:
        chosen = _chosen(fields)
        known = {row["shipment_id"]: row for row in await _parcels(access, chosen)}
        async with access.session.begin_nested():
            batch = await print_labels(
                access.session,
                access.account_id,
                [known[one] for one in chosen],
                labels_directory(settings_of(request)),
            )
    except (ConflictError, InvalidInputError) as error:
        return await _labels(request, access, unprinted=fields.get("show") != "all", error=error)
    return pdf_answer(batch.pdf, f"labels-{len(batch.labels)}.pdf")


@router.get("/labels/{shipment_id}.pdf")
async def label_file(request: Request, access: AccountVisiting, shipment_id: ShipmentId) -> Response:
    """The label of a parcel, to keep; this is not counted as printing."""
    (parcel,) = await _parcels(access, [shipment_id])
    pdf = await label_pdf(access.session, access.account_id, parcel, labels_directory(settings_of(request)))
    return pdf_answer(pdf, f"label-{parcel['tracking_pin']}.pdf", kept=True)


@router.get("/labels/{shipment_id}/came.pdf")
async def came_file(access: AccountVisiting, shipment_id: ShipmentId) -> Response:
    """What came as the label of a parcel, right or not."""
    (parcel,) = await _parcels(access, [shipment_id])
    found = await read_label(access.session, access.account_id, parcel)
    if found is None:
        raise NotFoundError("No label was downloaded for this parcel.")
    return pdf_answer(found[0], f"came-{parcel['carrier_reference']}.pdf", kept=True)


@router.post("/labels/{shipment_id}/accept")
async def accept_form(request: Request, access: AccountVisiting, shipment_id: ShipmentId) -> Response:
    """Take what came as a label for the right one, although the check says otherwise; the order goes on."""
    await doors(request).read_form(request)
    access.require("write")
    (parcel,) = await _parcels(access, [shipment_id])
    try:
        async with access.session.begin_nested():
            await accept_label(access.session, access.account_id, parcel, by=access.person.email)
    except ConflictError as error:
        return await show_order_page(request, access, parcel["order_id"], error=error)
    return go_to(access, "orders", parcel["order_id"], done="label")


@router.post("/labels/{shipment_id}/print")
async def print_one_form(request: Request, access: AccountVisiting, shipment_id: ShipmentId) -> Response:
    """The label of a parcel, to print; it is counted."""
    await doors(request).read_form(request)
    access.require("write")
    batch = await print_labels(
        access.session,
        access.account_id,
        await _parcels(access, [shipment_id]),
        labels_directory(settings_of(request)),
    )
    return pdf_answer(batch.pdf, f"label-{batch.labels[0].tracking_pin}.pdf")


@router.post("/labels/{shipment_id}/void")
async def void_form(request: Request, caller: AccountCalling, shipment_id: ShipmentId) -> Response:
    """Take a label back at the carrier, and have another bought if that is wanted."""
    fields = await doors(request).read_form(request)
    caller.require("write")
    async with transaction(request, caller) as session:
        access = AccountAccess(caller, session)
        (parcel,) = await _parcels(access, [shipment_id])
    again = fields.get("again") == "yes"
    # The carrier is called with no transaction open.
    try:
        async with Services.opened(caller.db) as services:
            await take_back(services, caller.account_id, parcel, by=caller.person.email, again=again)
    except (ConflictError, ServiceError) as error:
        shown = UnavailableError(str(error)) if isinstance(error, ServiceError) else error
        async with transaction(request, caller) as session:
            access = AccountAccess(caller, session)
            return await show_order_page(request, access, parcel["order_id"], error=shown)
    return go_to(access, "orders", parcel["order_id"], done="again" if again else "void")


def pdf_answer(pdf: bytes, name: str, *, kept: bool = False) -> Response:
    """A PDF to look at and print, or to keep."""
    return Response(
        pdf,
        media_type="application/pdf",
        headers={
            "content-disposition": f'{"attachment" if kept else "inline"}; filename="{name}"',
            "content-security-policy": VIEWER,
        },
    )


async def _parcels(access: AccountAccess, wanted: Sequence[UUID]) -> list[RowMapping]:
    found = []
    for shipment_id in wanted:
        rows = await select_parcels(access.session, access.account_id, shipment_id=shipment_id)
        if not rows:
            raise NotFoundError(f"There is no parcel {shipment_id}.")
        found.append(rows[0])
    return found


def _chosen(fields: Mapping[str, str]) -> list[UUID]:
    chosen = []
    for name in fields:
        if name.startswith(CHOSEN):
            try:
                chosen.append(UUID(name.removeprefix(CHOSEN)))
            except ValueError:
                raise InvalidInputError("The form names no parcel.", hint="Open the page again.") from None
    if not chosen:
        raise InvalidInputError("No label is chosen.", hint="Tick the labels to print.")
    return chosen[:MOST]


async def _labels(
    request: Request, access: AccountAccess, *, unprinted: bool, error: EntrepotError | None = None
) -> Response:
    rows = await page_queries.select_labels(
        access.session, access.account_id, unprinted=unprinted, limit=MOST
    )
    return await render_account(
        request,
        access,
        "labels.html",
        place="packing",
        status=error.status if error else 200,
        messages=message_about(error) if error else (),
        labels=rows,
        unprinted=unprinted,
        most=MOST,
    )
