"""Mirakl's seller API as far as it is used here: orders, messages, stock, transaction logs.

Names in capitals are Mirakl's own for its operations (OR11, M12 …), described at developer.mirakl.com. Every call is
recorded; one that fails raises ServiceError, which says whether it may be made again. Nothing is sent twice here: the
API knows no idempotency keys, so after a lost answer the order is read, not accepted again.
"""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

from entrepot.kit.clock import now
from entrepot.kit.crypto import Keyring
from entrepot.kit.db import Database
from entrepot.kit.http import http_client, retry_after
from entrepot.mirakl.accounts.accounts import Account, api_key
from entrepot.mirakl.failures.outcomes import Outcome, ServiceError, of_exception, of_status
from entrepot.mirakl.failures.recording import Call, CallRecorder

SERVICE = "Mirakl"
#: Most orders a page has (OR11), and identifiers a call takes.
PAGE = 100
TIMEOUT = 30.0


class MiraklApi:
    """The API of one account; opened by `open_api`."""

    def __init__(
        self, client: httpx.AsyncClient, recorder: CallRecorder, *, shop_id: int | None = None
    ) -> None:
        self._client = client
        self._recorder = recorder
        self._shop = {} if shop_id is None else {"shop_id": str(shop_id)}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def orders(
        self, *, states: Sequence[str] = (), updated_since: datetime | None = None
    ) -> AsyncIterator[Mapping[str, Any]]:
        """OR11: orders, oldest first, page by page; all states where none is named.

        An order that is changed while the pages are read may come twice or slip behind a page that was read already;
        whoever polls overlaps the next look with this one.
        """
        query: dict[str, str] = {"max": str(PAGE), "sort": "dateCreated", "order": "asc"}
        if states:
            query["order_state_codes"] = ",".join(states)
        if updated_since is not None:
            query["start_update_date"] = _moment(updated_since)
        offset = 0
        while True:
            answer = await self._json("OR11", "GET", "/orders", params={**query, "offset": str(offset)})
            page = _listed(answer, "orders", "OR11")
            for order in page:
                yield order
            offset += len(page)
            if len(page) < PAGE or offset >= int(answer.get("total_count") or offset):
                return

    async def order(self, order_id: str) -> Mapping[str, Any] | None:
        """OR11 with one identifier: the order as it stands; None where the marketplace knows none."""
        answer = await self._json("OR11", "GET", "/orders", params={"order_ids": order_id}, related=order_id)
        page = _listed(answer, "orders", "OR11")
        return next((order for order in page if order.get("order_id") == order_id), None)

    async def accept(self, order_id: str, lines: Mapping[str, bool]) -> None:
        """OR21: accept (True) or refuse (False) each line of an order; all of them have to be named."""
        body = {"order_lines": [{"id": line, "accepted": accepted} for line, accepted in lines.items()]}
        await self._json("OR21", "PUT", f"/orders/{order_id}/accept", json=body, related=order_id)

    async def tracking(
        self,
        order_id: str,
        *,
        carrier_code: str,
        number: str,
        carrier_name: str | None = None,
        url: str | None = None,
    ) -> None:
        """OR23: the carrier and tracking number of an order; sent again, it replaces what was there."""
        body = {"carrier_code": carrier_code, "tracking_number": number}
        if carrier_name:
            body["carrier_name"] = carrier_name
        if url:
            body["carrier_url"] = url
        await self._json(
            "OR23", "PUT", f"/orders/{order_id}/tracking", json=body, related=order_id, idempotent=True
        )

    async def ship(self, order_id: str) -> None:
        """OR24: the order is on its way; only from SHIPPING."""
        await self._json("OR24", "PUT", f"/orders/{order_id}/ship", related=order_id)

    async def documents(self, order_ids: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """OR72: the documents of orders."""
        answer = await self._json(
            "OR72", "GET", "/orders/documents", params={"order_ids": ",".join(order_ids)}
        )
        return _listed(answer, "order_documents", "OR72")

    async def threads(self, updated_since: datetime | None = None) -> AsyncIterator[Mapping[str, Any]]:
        """M11: threads with their messages, page by page."""
        query = {"with_messages": "true", "limit": "50"}
        if updated_since is not None:
            query["updated_since"] = _moment(updated_since)
        async for thread in self._pages("M11", "/inbox/threads", query):
            yield thread

    async def reply(self, thread_id: str, body: str, to: Sequence[Mapping[str, str]]) -> str:
        """M12: send a message in a thread, as a multipart form; the marketplace's identifier of it.

        `to`: {"type": "CUSTOMER" | "OPERATOR", "id": …} each.
        """
        message = {"body": body, "to": [dict(one) for one in to]}
        form = {"message_input": (None, orjson.dumps(message), "application/json")}
        answer = await self._json(
            "M12", "POST", f"/inbox/threads/{thread_id}/message", files=form, related=thread_id, said=message
        )
        found = answer.get("message_id")
        if not found:
            # It was taken, or it was not: the thread will tell.
            raise ServiceError(
                "The answer names no message.", outcome=Outcome.UNKNOWN, service=SERVICE, operation="M12"
            )
        return str(found)

    async def update_stock(self, quantities: Mapping[str, int]) -> str:
        """STO01: tell the quantity of each shop SKU with a file; the identifier of the import."""
        lines = ["offer-sku;quantity", *(f'"{_quoted(sku)}";{count}' for sku, count in quantities.items())]
        file = {"file": ("stock.csv", "\n".join(lines).encode() + b"\n", "text/csv")}
        answer = await self._json(
            "STO01",
            "POST",
            "/offers/stock/imports",
            files=file,
            said={"quantities": dict(quantities)},
            idempotent=True,
        )
        return str(answer.get("import_id"))

    async def transactions(self, since: datetime | None = None) -> AsyncIterator[Mapping[str, Any]]:
        """TL02: the lines of the seller's account with the marketplace, page by page."""
        query = {"limit": "100"}
        if since is not None:
            query["date_created_from"] = _moment(since)
        async for line in self._pages("TL02", "/sellerpayment/transactions_logs", query):
            yield line

    async def _pages(
        self, operation: str, path: str, query: Mapping[str, str]
    ) -> AsyncIterator[Mapping[str, Any]]:
        token: str | None = None
        while True:
            asked = dict(query) if token is None else {**query, "page_token": token}
            answer = await self._json(operation, "GET", path, params=asked)
            for one in _listed(answer, "data", operation):
                yield one
            token = answer.get("next_page_token")
            if not token:
                return

    async def _json(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        files: Mapping[str, Any] | None = None,
        said: Any = None,
        related: str | None = None,
        idempotent: bool | None = None,
    ) -> Mapping[str, Any]:
        """One call; its answer as an object, empty where there is none. `said`: what a form holds, for the record."""
        repeatable = method == "GET" if idempotent is None else idempotent
        at, began = now(), time.perf_counter()
        asked = json if json is not None else said
        status: int | None = None
        try:
            response = await self._client.request(
                method, path, params={**(params or {}), **self._shop}, json=json, files=files
            )
        except httpx.TransportError as error:
            outcome = of_exception(error, idempotent=repeatable)
            details = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            await self._record(
                operation, method, path, params, at, began, outcome, asked, related, None, details
            )
            raise ServiceError(details, outcome=outcome, service=SERVICE, operation=operation) from error
        status = response.status_code
        outcome = of_status(status, idempotent=repeatable)
        body = response.text
        await self._record(operation, method, path, params, at, began, outcome, asked, related, status, body)
        if outcome is not Outcome.DONE:
            raise ServiceError(
                _message(response),
                outcome=outcome,
                service=SERVICE,
                operation=operation,
                status=status,
                retry_after=retry_after(response.headers),
            )
        if not body.strip():
            return {}
        try:
            found = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise ServiceError(
                f"The answer is not JSON: {error}.",
                # It was done, or it was not; only what is merely read may be asked again.
                outcome=Outcome.TRANSIENT if repeatable else Outcome.UNKNOWN,
                service=SERVICE,
                operation=operation,
                status=status,
            ) from error
        return found if isinstance(found, dict) else {"data": found}

    async def _record(
        self,
        operation: str,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        at: datetime,
        began: float,
        outcome: Outcome,
        request: Any,
        related: str | None,
        status: int | None,
        response: str,
    ) -> None:
        query = f"?{httpx.QueryParams(dict(params))}" if params else ""
        await self._recorder.record(
            Call(
                at=at,
                service=SERVICE,
                operation=operation,
                method=method,
                endpoint=f"{self._client.base_url}{path.lstrip('/')}{query}",
                outcome=outcome,
                status=status,
                related_id=related,
                request=request,
                response=response,
                response_bytes=len(response.encode()),
                duration_ms=round((time.perf_counter() - began) * 1000),
            )
        )


@asynccontextmanager
async def open_api(
    db: Database, account: Account, *, transport: httpx.AsyncBaseTransport | None = None
) -> AsyncIterator[MiraklApi]:
    """The API of an account, with its key; raises UnavailableError where the key does not open."""
    async with db.tenant(account_id=account.account_id) as session:
        key = await api_key(session, Keyring.open(db.settings), account.account_id)
    # One attempt: what may be tried again is tried when it is due, by whoever works then.
    client = http_client(
        base_url=account.api_url,
        headers={"authorization": key, "accept": "application/json"},
        timeout=TIMEOUT,
        attempts=1,
        transport=transport,
    )
    async with MiraklApi(client, CallRecorder(db, account.account_id), shop_id=account.shop_id) as api:
        yield api


def _listed(answer: Mapping[str, Any], name: str, operation: str) -> Sequence[Mapping[str, Any]]:
    found = answer.get(name)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ServiceError(
            f"The answer has no list {name!r}.",
            outcome=Outcome.PERMANENT,
            service=SERVICE,
            operation=operation,
        )
    return found


def _message(response: httpx.Response) -> str:
    """What the marketplace says of an error: {"status", "message"} or {"errors": [{"message"}]}."""
    said = f"HTTP {response.status_code}"
    try:
        found = response.json()
    except ValueError:
        return said
    if isinstance(found, dict):
        errors = found.get("errors")
        told = (
            [str(one.get("message")) for one in errors if isinstance(one, dict)]
            if isinstance(errors, list)
            else []
        )
        message = found.get("message") or "; ".join(told)
        return f"{said}: {message}" if message else said
    return said


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _quoted(sku: str) -> str:
    return sku.replace('"', '""')
