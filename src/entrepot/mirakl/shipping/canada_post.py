"""Canada Post: Contract Shipping and Tracking over REST.

Create Shipment is live and billable. It is sent once; our reference goes along as `customer-request-id`, and Get
Shipments finds the shipment under it. Links of an answer are followed only on the host that the account names: they
are asked with the account's credentials.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal

import httpx

from entrepot.kit.clock import now
from entrepot.kit.http import http_client, retry_after
from entrepot.mirakl.failures.outcomes import Outcome, ServiceError, of_exception, of_status
from entrepot.mirakl.failures.recording import Call, CallRecorder
from entrepot.mirakl.shipping import canada_post_xml as xml
from entrepot.mirakl.shipping.carrier import (
    AlreadyTransmittedError,
    Bought,
    Opening,
    Parcel,
    Tracking,
    carrier,
)

NAME = "canada-post"
SERVICE = "CanadaPost"
#: Seconds after which a call is over, whatever the network does.
TIMEOUT = 30.0
#: Bytes of an answer that are read: labels have some ten thousand.
LARGEST = 8 * 1024 * 1024
TRANSMITTED = "8064"
#: Codes of Get Tracking Details for a parcel that was not seen yet.
NOT_SEEN = frozenset({"004", "4"})


class CanadaPost:
    """Canada Post for one account; opened by `open_carrier`."""

    name = NAME
    gives_labels = True
    heaviest_kg = Decimal(30)
    longest_cm = Decimal(200)

    def __init__(self, client: httpx.AsyncClient, recorder: CallRecorder, opening: Opening) -> None:
        self._client = client
        self._recorder = recorder
        self._account = opening.account
        self._base = httpx.URL(opening.account.api_url)
        number = opening.account.customer_number
        self._shipments = f"/rs/{number}/{number}/shipment"

    async def buy(self, parcel: Parcel) -> Bought:
        """Create Shipment: buy a label. Raises ServiceError; after an unknown outcome ask `find`, never this again."""
        body = xml.create_shipment(
            parcel,
            self._account.sender,
            customer_number=self._account.customer_number,
            contract_id=self._account.contract_id,
        )
        answer = await self._call(
            "CreateShipment",
            "POST",
            self._shipments,
            body=body,
            related=parcel.reference,
            accept=xml.SHIPMENT_TYPE,
        )
        try:
            return xml.read_shipment(answer)
        except xml.UnreadableXmlError as error:
            # It was bought, most likely; the carrier knows under which number.
            raise self._unreadable(error, "CreateShipment", Outcome.UNKNOWN) from error

    async def find(self, reference: str) -> Bought | None:
        """Get Shipments by `customer-request-id`, then Get Shipment: what was bought under our reference.

        Where the carrier lists several, the one that counts is the one not taken back; two of these raise ServiceError.
        """
        try:
            answer = await self._call(
                "GetShipments",
                "GET",
                self._shipments,
                params={"requestId": reference},
                related=reference,
                accept=xml.SHIPMENT_TYPE,
            )
        except ServiceError as error:
            if error.status == 404:
                return None
            raise
        try:
            links = xml.read_shipments(answer)
            found = [
                xml.read_shipment(
                    await self._call("GetShipment", "GET", link, related=reference, accept=xml.SHIPMENT_TYPE)
                )
                for link in dict.fromkeys(links)
            ]
        except xml.UnreadableXmlError as error:
            raise self._unreadable(error, "GetShipments", Outcome.TRANSIENT) from error
        live = [one for one in found if not one.called_off]
        if len(live) > 1:
            numbers = ", ".join(one.external_id for one in live)
            raise ServiceError(
                f"Several labels were bought under {reference}: {numbers}.",
                outcome=Outcome.PERMANENT,
                service=SERVICE,
                operation="GetShipments",
                code="bought-twice",
            )
        return next(iter(live or found), None)

    async def destination(self, bought: Bought) -> dict[str, str] | None:
        """Get Shipment Details: the name and postal code that the carrier put on the label."""
        details = await self._details(bought)
        return details.destination if details else None

    async def _details(self, bought: Bought) -> xml.Details | None:
        link = bought.links.get("details")
        if not link:
            return None
        answer = await self._call(
            "GetDetails", "GET", link, related=bought.external_id, accept=xml.SHIPMENT_TYPE
        )
        try:
            return xml.read_details(answer)
        except xml.UnreadableXmlError as error:
            raise self._unreadable(error, "GetDetails", Outcome.TRANSIENT) from error

    async def label(self, bought: Bought) -> bytes:
        """Get Artifact: the label's PDF, as it came."""
        link = bought.links.get("label")
        if not link:
            raise ServiceError(
                f"Shipment {bought.external_id} has no link to a label.",
                outcome=Outcome.PERMANENT,
                service=SERVICE,
                operation="GetArtifact",
                code="no-label",
            )
        return await self._call(
            "GetArtifact", "GET", link, related=bought.external_id, accept="application/pdf"
        )

    async def void(self, bought: Bought) -> None:
        """Void Shipment; raises AlreadyTransmittedError (8064) when only a refund is left."""
        try:
            await self._call(
                "VoidShipment",
                "DELETE",
                bought.links.get("self") or f"{self._shipments}/{bought.external_id}",
                related=bought.external_id,
                accept=xml.SHIPMENT_TYPE,
                idempotent=True,
            )
        except ServiceError as error:
            if error.code == TRANSMITTED:
                raise AlreadyTransmittedError(error.details) from error
            # Gone: an earlier attempt, whose answer was lost, has voided it.
            if error.status not in (404, 410):
                raise

    async def refund(self, bought: Bought) -> str:
        """Request Shipment Refund: ask the money of a label back; the carrier's service ticket.

        What was asked before, by a call whose answer was lost, is read and not asked again.
        """
        known = await self._details(bought)
        if known is not None and known.ticket is not None:
            return known.ticket
        email = str(self._account.sender.get("email") or "")
        if not email:
            raise ServiceError(
                "A refund needs an e-mail address, to which the carrier tells how it goes; the sender has none",
                outcome=Outcome.PERMANENT,
                service=SERVICE,
                operation="RefundShipment",
                code="no-email",
            )
        link = bought.links.get("refund") or f"{self._shipments}/{bought.external_id}/refund"
        answer = await self._call(
            "RefundShipment",
            "POST",
            link,
            body=xml.refund_request(email),
            related=bought.external_id,
            accept=xml.SHIPMENT_TYPE,
        )
        try:
            return xml.read_ticket(answer)
        except xml.UnreadableXmlError as error:
            raise self._unreadable(error, "RefundShipment", Outcome.UNKNOWN) from error

    async def track(self, tracking_pin: str) -> Tracking | None:
        """Get Tracking Details; None where the carrier has not seen the parcel yet."""
        try:
            answer = await self._call(
                "TrackDetails",
                "GET",
                f"/vis/track/pin/{tracking_pin}/detail",
                related=tracking_pin,
                accept=xml.TRACK_TYPE,
            )
        except ServiceError as error:
            if error.status == 404 or error.code in NOT_SEEN:
                return None
            raise
        try:
            return xml.read_tracking(answer)
        except xml.UnreadableXmlError as error:
            raise self._unreadable(error, "TrackDetails", Outcome.TRANSIENT) from error

    async def _call(
        self,
        operation: str,
        method: str,
        address: str,
        *,
        accept: str,
        related: str,
        params: dict[str, str] | None = None,
        body: str | None = None,
        idempotent: bool | None = None,
    ) -> bytes:
        """One call; the body of its answer. Raises ServiceError with the carrier's code and words."""
        repeatable = method == "GET" if idempotent is None else idempotent
        url = self._url(address)
        if url is None or _origin(url) != _origin(self._base):
            raise ServiceError(
                f"The carrier points at {url.host if url else address[:200]!r}, which is not the host of the account "
                f"({self._base.host})",
                outcome=Outcome.PERMANENT,
                service=SERVICE,
                operation=operation,
                code="foreign-link",
            )
        headers = {"accept": accept, **({"content-type": accept} if body is not None else {})}
        at, began = now(), time.perf_counter()
        try:
            async with asyncio.timeout(TIMEOUT):
                status, answered, data = await self._exchange(method, url, headers, params, body)
        except (httpx.TransportError, TimeoutError) as error:
            outcome = (
                of_exception(error, idempotent=repeatable)
                if isinstance(error, httpx.TransportError)
                else Outcome.TRANSIENT
                if repeatable
                else Outcome.UNKNOWN
            )
            details = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            await self._record(operation, method, url, at, began, outcome, body, related, None, details, 0)
            raise ServiceError(details, outcome=outcome, service=SERVICE, operation=operation) from error
        outcome = of_status(status, idempotent=repeatable)
        await self._record(
            operation, method, url, at, began, outcome, body, related, status, _readable(data), len(data)
        )
        if outcome is Outcome.DONE:
            return data
        messages = xml.read_messages(data)
        said = "; ".join(f"{code} {description}".strip() for code, description in messages)
        raise ServiceError(
            f"HTTP {status}: {said}" if said else f"HTTP {status}",
            outcome=outcome,
            service=SERVICE,
            operation=operation,
            status=status,
            code=messages[0][0] if messages else None,
            retry_after=retry_after(answered),
        )

    async def _exchange(
        self,
        method: str,
        url: httpx.URL,
        headers: dict[str, str],
        params: dict[str, str] | None,
        body: str | None,
    ) -> tuple[int, httpx.Headers, bytes]:
        content = body.encode() if body is not None else None
        async with self._client.stream(
            method, url, headers=headers, params=params, content=content
        ) as response:
            data = bytearray()
            async for part in response.aiter_bytes():
                data += part
                if len(data) > LARGEST:
                    raise httpx.ReadError(f"The answer is larger than {LARGEST:,} bytes.")
            return response.status_code, response.headers, bytes(data)

    def _url(self, address: str) -> httpx.URL | None:
        """A link as it came, or a path below the root of the API; None for what is no address at all."""
        try:
            if "://" in address:
                return httpx.URL(address)
            return httpx.URL(str(self._base).rstrip("/") + address)
        except httpx.InvalidURL:
            return None

    async def _record(
        self,
        operation: str,
        method: str,
        url: httpx.URL,
        at: datetime,
        began: float,
        outcome: Outcome,
        request: str | None,
        related: str,
        status: int | None,
        response: str,
        size: int,
    ) -> None:
        await self._recorder.record(
            Call(
                at=at,
                service=SERVICE,
                operation=operation,
                method=method,
                endpoint=str(url),
                outcome=outcome,
                status=status,
                related_id=related,
                request=request,
                response=response,
                response_bytes=size,
                duration_ms=round((time.perf_counter() - began) * 1000),
            )
        )

    @staticmethod
    def _unreadable(error: Exception, operation: str, outcome: Outcome) -> ServiceError:
        return ServiceError(
            f"The answer cannot be read. {error}", outcome=outcome, service=SERVICE, operation=operation
        )


@carrier(NAME)
@asynccontextmanager
async def opened(opening: Opening) -> AsyncIterator[CanadaPost]:
    """Canada Post with an account's credentials."""
    # One attempt: what may be tried again is tried when it is due, by whoever works then.
    client = http_client(
        headers={"accept-language": "en-CA"},
        timeout=TIMEOUT,
        attempts=1,
        transport=opening.transport,
    )
    client.auth = httpx.BasicAuth(opening.user, opening.password)
    async with client:
        yield CanadaPost(client, CallRecorder(opening.db, opening.account.account_id), opening)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _readable(data: bytes) -> str:
    """An answer as text; a file is only named."""
    if data.startswith(b"%PDF"):
        return f"[PDF, {len(data)} bytes]"
    return data.decode("utf-8", "replace")
