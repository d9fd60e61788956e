"""Parcels over HTTP: found, their labels read, printed and taken back, and packed."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy import RowMapping

from entrepot.kit.errors import ConflictError, NotFoundError, UnavailableError
from entrepot.kit.web.members import transaction
from entrepot.kit.web.problems import GUARDED, responses
from entrepot.kit.web.requests import settings_of
from entrepot.mirakl.accounts.access import AccountAccess, AccountAsking, AccountReading, AccountWriting
from entrepot.mirakl.failures.outcomes import ServiceError
from entrepot.mirakl.services import Services
from entrepot.mirakl.shipping import packing_queries
from entrepot.mirakl.shipping.answers import (
    PackingBody,
    ParcelBody,
    ParcelList,
    PrintingMany,
    ScanBody,
    Scanning,
    TakingBack,
)
from entrepot.mirakl.shipping.deciding import take_back
from entrepot.mirakl.shipping.packing import Packing, Scan, scan, state
from entrepot.mirakl.shipping.pages import pdf_answer
from entrepot.mirakl.shipping.printing import label_pdf, print_labels
from entrepot.mirakl.shipping.queries import select_parcels
from entrepot.mirakl.shipping.storing import labels_directory

router = APIRouter(prefix="/mirakl/{account_code}", tags=["Mirakl"])

READING = responses(*GUARDED, NotFoundError)
WRITING = responses(*GUARDED, NotFoundError, ConflictError)
PDF: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The PDF.",
        "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}},
    }
}
ShipmentId = Annotated[UUID, Path(description="Identifier of the parcel.")]


@router.get(
    "/parcels",
    operation_id="listMiraklParcels",
    summary="Parcels",
    response_model=ParcelList,
    responses=READING,
)
async def list_parcels(
    access: AccountReading,
    state: Annotated[list[str] | None, Query(description="Only parcels in these states.")] = None,
    order_id: Annotated[str | None, Query(max_length=255, description="Only those of an order.")] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Most parcels.")] = 50,
) -> dict[str, Any]:
    """The latest parcels of the account, newest first."""
    return {
        "items": await packing_queries.select_listed(
            access.session, access.account_id, states=state, order_id=order_id, limit=limit
        )
    }


@router.get(
    "/parcels/{shipment_id}",
    operation_id="getMiraklParcel",
    summary="One parcel",
    response_model=ParcelBody,
    responses=READING,
)
async def get_parcel(access: AccountReading, shipment_id: ShipmentId) -> RowMapping:
    """A parcel and where it is."""
    return (await parcels_of(access, [shipment_id]))[0]


@router.get(
    "/parcels/{shipment_id}/label",
    operation_id="getMiraklLabel",
    summary="The label of a parcel",
    response_class=Response,
    responses={**WRITING, **PDF},
)
async def get_label(request: Request, access: AccountReading, shipment_id: ShipmentId) -> Response:
    """The label as PDF, as it was checked; this is not counted as printing."""
    (parcel,) = await parcels_of(access, [shipment_id])
    pdf = await label_pdf(access.session, access.account_id, parcel, labels_directory(settings_of(request)))
    return pdf_answer(pdf, f"label-{parcel['tracking_pin']}.pdf", kept=True)


@router.post(
    "/labels/print",
    operation_id="printMiraklLabels",
    summary="Several labels as one PDF",
    response_class=Response,
    responses={**WRITING, **PDF},
)
async def print_many(request: Request, access: AccountWriting, body: PrintingMany) -> Response:
    """The labels of up to 100 parcels as one PDF, in the order given; each is counted as printed."""
    batch = await print_labels(
        access.session,
        access.account_id,
        await parcels_of(access, list(dict.fromkeys(body.shipment_ids))),
        labels_directory(settings_of(request)),
    )
    return pdf_answer(batch.pdf, f"labels-{len(batch.labels)}.pdf")


@router.post(
    "/parcels/{shipment_id}/take-back",
    operation_id="takeBackMiraklLabel",
    summary="Take a label back",
    response_model=ParcelBody,
    responses=WRITING,
)
async def take_label_back(
    request: Request, caller: AccountAsking, shipment_id: ShipmentId, body: TakingBack | None = None
) -> RowMapping:
    """Void the label at the carrier, or ask for a refund where it is too late for that; 409 when it has shipped."""
    async with transaction(request, caller) as session:
        (parcel,) = await parcels_of(AccountAccess(caller, session), [shipment_id])
    again = (body or TakingBack()).again
    try:
        # The carrier is called with no transaction open.
        async with Services.opened(caller.db) as services:
            await take_back(services, caller.account_id, parcel, by=caller.person.email, again=again)
    except ServiceError as error:
        raise UnavailableError(
            str(error), hint="The failures of the account say what happens next."
        ) from error
    async with transaction(request, caller) as session:
        return (await parcels_of(AccountAccess(caller, session), [shipment_id]))[0]


@router.get(
    "/parcels/{shipment_id}/packing",
    operation_id="getMiraklPacking",
    summary="Where the packing of a parcel is",
    response_model=PackingBody,
    responses=READING,
)
async def get_packing(access: AccountReading, shipment_id: ShipmentId) -> Packing:
    """What belongs in the parcel, what was scanned, and what comes next."""
    return await state(access.session, access.account_id, shipment_id)


@router.post(
    "/parcels/{shipment_id}/scans",
    operation_id="scanMiraklParcel",
    summary="Scan a barcode into a parcel",
    response_model=ScanBody,
    responses=WRITING,
)
async def scan_parcel(access: AccountWriting, shipment_id: ShipmentId, body: Scanning) -> Scan:
    """Take a barcode that was read: a component, or the label, which comes last. What was wrong is said, and kept."""
    return await scan(access.session, access.account_id, shipment_id, body.barcode, by=access.person.user_id)


async def parcels_of(access: AccountAccess, wanted: Sequence[UUID]) -> list[RowMapping]:
    """Parcels of the account by their ids, in that order; NotFoundError for one that it does not have."""
    found = []
    for shipment_id in wanted:
        rows = await select_parcels(access.session, access.account_id, shipment_id=shipment_id)
        if not rows:
            raise NotFoundError(f"There is no parcel {shipment_id}.", where={"shipment_id": str(shipment_id)})
        found.append(rows[0])
    return found
