"""Printing labels: several as one PDF, each print counted, so that a label printed twice is seen as that."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from pypdf import PdfReader, PdfWriter
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.clock import now
from entrepot.kit.errors import ConflictError, NotFoundError
from entrepot.mirakl.orders.history import current
from entrepot.mirakl.shipping import packing_queries as queries
from entrepot.mirakl.shipping.labelling import read_label
from entrepot.mirakl.shipping.storing import checksum, write_label


@dataclass(frozen=True, slots=True)
class Printed:
    """A label of a batch; `prints` counts this one."""

    shipment_id: UUID
    order_id: str
    parcel_number: int
    tracking_pin: str | None
    prints: int

    @property
    def is_reprint(self) -> bool:
        """Whether it was printed before: two of the same label may be about."""
        return self.prints > 1


@dataclass(frozen=True, slots=True)
class Batch:
    """Labels as one PDF, in the order of the pages."""

    pdf: bytes
    labels: tuple[Printed, ...]

    @property
    def reprints(self) -> tuple[Printed, ...]:
        """Those that were printed before."""
        return tuple(label for label in self.labels if label.is_reprint)


async def print_labels(
    session: AsyncSession,
    account_id: UUID,
    parcels: Sequence[RowMapping],
    directory: Path,
) -> Batch:
    """One PDF of the labels of parcels, in their order; each is counted as printed.

    Files missing below the labels' directory are written anew from the database. Raises ConflictError for a parcel
    without a label, with one that was altered, or of an order that was cancelled, NotFoundError where no parcel was named.
    """
    if not parcels:
        raise NotFoundError("There is no label to print.")
    writer = PdfWriter()
    for parcel in parcels:
        await _not_cancelled(session, account_id, parcel)
        pdf = await label_pdf(session, account_id, parcel, directory)
        writer.append(PdfReader(io.BytesIO(pdf)), import_outline=False)
    made = io.BytesIO()
    writer.write(made)
    prints = await queries.update_printed(
        session, account_id, [parcel["shipment_id"] for parcel in parcels], now()
    )
    return Batch(
        made.getvalue(),
        tuple(
            Printed(
                parcel["shipment_id"],
                parcel["order_id"],
                parcel["parcel_number"],
                parcel["tracking_pin"],
                prints[parcel["shipment_id"]],
            )
            for parcel in parcels
        ),
    )


async def _not_cancelled(session: AsyncSession, account_id: UUID, parcel: RowMapping) -> None:
    held = await current(session, account_id, parcel["order_id"])
    if held is not None and held.status in ("cancelled", "refused"):
        raise ConflictError(
            f"The order {parcel['order_id']} is {held.status}; its label is not printed.",
            hint="It is taken back by itself.",
            where={"parcel": parcel["carrier_reference"], "status": held.status},
        )


async def label_pdf(session: AsyncSession, account_id: UUID, parcel: RowMapping, directory: Path) -> bytes:
    """The label of a parcel, as it was checked; its file below the directory is there afterwards.

    Raises ConflictError where there is none, or where it is not the file that was checked.
    """
    place = {"parcel": parcel["carrier_reference"], "state": parcel["state"]}
    if parcel["state"] != "labelled":
        raise ConflictError(
            f"The parcel {parcel['carrier_reference']} is {parcel['state']} and has no label to print.",
            hint="`entrepot mirakl labels show` shows what came as its label, where something did.",
            where=place,
        )
    found = await read_label(session, account_id, parcel)
    if found is None or checksum(found[0]) != parcel["label_sha256"]:
        raise ConflictError(
            f"The label of {parcel['carrier_reference']} is not the one that was checked.",
            hint="Somebody has altered the database; download the label at the carrier.",
            where=place,
        )
    write_label(directory, parcel["label_pdf_path"], found[0])
    return found[0]


async def unprinted(session: AsyncSession, account_id: UUID, *, limit: int = 100) -> Sequence[RowMapping]:
    """The parcels whose label was never printed, those due first on top."""
    return await queries.select_to_print(session, account_id, limit)
