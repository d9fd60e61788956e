"""Downloading a label, checking that it is the right one, and keeping it; all of it may be done again at no cost."""

import asyncio
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.events.publishing import publish
from entrepot.kit.clock import now
from entrepot.mirakl.failures.inbox import fail, resolved_by_itself
from entrepot.mirakl.failures.outcomes import Outcome, ServiceError
from entrepot.mirakl.orders.history import move
from entrepot.mirakl.orders.steps import Taken
from entrepot.mirakl.services import Services
from entrepot.mirakl.shipping import queries
from entrepot.mirakl.shipping.carrier import Bought, Carrier
from entrepot.mirakl.shipping.checking import Checked, check_label
from entrepot.mirakl.shipping.storing import checksum, label_path, labels_directory, write_label

#: Names of the steps' failures: buying itself, downloading, checking.
CREATE = "ShippingLabelCreation"
DOWNLOAD = "ShippingLabelDownload"
CHECK = "ShippingLabelValidation"
#: Attempts after which what is no PDF counts as the carrier's last word.
ATTEMPTS = 5


async def get_label(services: Services, taken: Taken, carrier: Carrier, parcel: RowMapping) -> bool:
    """Download, check and keep the label of a parcel that was bought; False when it is not the right one.

    Raises ServiceError for what may go well next time.
    """
    if not carrier.gives_labels:
        return True
    bought = as_bought(parcel)
    try:
        told = await carrier.destination(bought)
        pdf = await carrier.label(bought)
    except ServiceError as error:
        if error.outcome is not Outcome.PERMANENT:
            raise
        await _failed(services, taken, parcel, DOWNLOAD, f"The label cannot be downloaded: {error}")
        return False
    # Reading a PDF is work for the processor: others go on meanwhile.
    checked = await asyncio.to_thread(check_label, pdf, parcel["destination"], parcel["tracking_pin"], told)
    if not checked.is_pdf and taken.attempts + 1 < ATTEMPTS:
        raise ServiceError(
            f"What came as the label is none. {' '.join(checked.problems)}",
            outcome=Outcome.TRANSIENT,
            service=parcel["carrier"],
            operation="GetArtifact",
        )
    sha256 = checksum(pdf)
    path = label_path(taken.account_id, taken.order_id, parcel["parcel_number"], sha256)
    if checked.right:
        await asyncio.to_thread(write_label, labels_directory(services.db.settings), path, pdf)
    await _keep(services, taken, parcel, pdf, sha256, path, checked)
    return checked.right


async def _keep(
    services: Services,
    taken: Taken,
    parcel: RowMapping,
    pdf: bytes,
    sha256: str,
    path: str,
    checked: Checked,
) -> None:
    shipment_id = parcel["shipment_id"]
    async with services.db.tenant(account_id=taken.account_id) as session:
        # A wrong one is kept as well, for the person who has to look at it.
        await queries.insert_label(
            session,
            {
                "account_id": taken.account_id,
                "sha256": sha256,
                "shipment_id": shipment_id,
                "pdf": pdf,
                "is_right": checked.right,
            },
        )
        if checked.right:
            await mark_labelled(session, parcel, sha256, path, checked=True)
    if not checked.right:
        await _failed(
            services,
            taken,
            parcel,
            CHECK if checked.is_pdf else DOWNLOAD,
            f"The label of parcel {parcel['parcel_number']} is not the right one. {' '.join(checked.problems)}",
        )


async def mark_labelled(
    session: AsyncSession, parcel: RowMapping, sha256: str, path: str, *, checked: bool
) -> bool:
    """Record that a parcel has its label, found right by the program (`checked`) or by a person; False if it had one."""
    account_id, shipment_id = parcel["account_id"], parcel["shipment_id"]
    if not await queries.update_labelled(
        session, account_id, shipment_id, sha256=sha256, path=path, checked_at=now() if checked else None
    ):
        return False
    await resolved_by_itself(
        session, account_id, str(shipment_id), DOWNLOAD, CHECK, resolution="The label is there."
    )
    await publish(
        session,
        type="mirakl.parcel.labelled",
        subject=parcel["order_id"],
        source="/entrepot/mirakl",
        time=now(),
        data={
            "order_id": parcel["order_id"],
            "parcel_number": parcel["parcel_number"],
            "carrier": parcel["carrier"],
            "tracking_pin": parcel["tracking_pin"],
            "price": parcel["price"],
            "weight_kg": parcel["weight_kg"],
        },
        dedupe_key=f"{shipment_id}/labelled",
        account_id=account_id,
    )
    return True


async def _failed(
    services: Services, taken: Taken, parcel: RowMapping, process_name: str, details: str
) -> None:
    reference = parcel["carrier_reference"]
    async with services.db.tenant(account_id=taken.account_id) as session:
        await resolved_by_itself(
            session,
            taken.account_id,
            taken.order_id,
            CREATE,
            resolution=f"It is a matter of {process_name} now.",
        )
        await fail(
            session,
            taken.account_id,
            process_name,
            str(parcel["shipment_id"]),
            kind="permanent",
            details=details,
            next_step=f"It is paid ({parcel['external_id']}). Look at it with `entrepot mirakl labels show {reference}`. "
            f"Then accept it (`entrepot mirakl labels accept {reference}`), or take it back and buy anew "
            f"(`entrepot mirakl ship void {reference} --again`). A retry downloads it once more without buying.",
            order_id=taken.order_id,
            payload={"shipment_id": parcel["shipment_id"], "reference": reference},
        )
        await move(
            session,
            taken.account_id,
            taken.order_id,
            "shipping_failed",
            actor_type="rule",
            actor="labels are checked",
            notes=details,
            expected=taken.status,
        )


def as_bought(row: RowMapping) -> Bought:
    """A parcel as the carrier knows it."""
    return Bought(
        external_id=row["external_id"],
        tracking_pin=row["tracking_pin"],
        links=row["links"] or {},
        price=row["price"],
    )


async def read_label(session: AsyncSession, account_id: UUID, parcel: RowMapping) -> tuple[bytes, str] | None:
    """The PDF of a parcel and its checksum: the label, or what came instead where none was found right."""
    found = await queries.select_label(
        session, account_id, parcel["shipment_id"], parcel["label_sha256"] or None
    )
    return (bytes(found["pdf"]), found["sha256"]) if found else None
