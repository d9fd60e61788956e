"""Mirakl's seller API as far as it is used here: orders, messages, stock, transaction logs.

Names in capitals are Mirakl's own for its operations (OR11, M12 …), described at developer.mirakl.com. Every call is
bounded in time and recorded; one that fails raises ServiceError, which says whether it may be made again, and when.
Nothing is sent twice here: the API knows no idempotency keys, so after a lost answer the order is read, not accepted
again. What is not known of an answer is kept: everything comes as the API gave it, and `marketplace_models` reads it.
"""

import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx
import orjson

from entrepot.kit.crypto import Keyring
from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError
from entrepot.kit.http import http_client
from entrepot.kit.telemetry import current_trace_id
from entrepot.mirakl.accounts.accounts import Account, api_key
from entrepot.mirakl.failures.calling import Caller
from entrepot.mirakl.failures.outcomes import Outcome, ServiceError
from entrepot.mirakl.failures.pacing import Limit, pace_of
from entrepot.mirakl.failures.recording import CallRecorder
from entrepot.mirakl.marketplace_paging import Page, UnsteadyListError, by_offset, by_token

SERVICE = "Mirakl"
#: Most orders a page has (OR11), and identifiers a call takes.
PAGE = 100
#: Lines of the seller's account a page has; TL02 takes few calls, and up to 2,000.
LINES = 1000
#: Seconds that an answer may be silent.
TIMEOUT = 30.0
#: What the documentation allows where it gives a number; an account's settings (`call_limits`) may say otherwise.
LIMITS: Mapping[str, Sequence[Limit]] = {"TL02": (Limit(20, 60), Limit(60, 3600))}


class MiraklApi:
    """The API of one account; opened by `open_api`."""

    def __init__(self, client: httpx.AsyncClient, caller: Caller, *, shop_id: int | None = None) -> None:
        self._client = client
        self._caller = caller
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
        """OR11: orders by when they were made, oldest first, page by page; all states where none is named.

        Orders that leave the list while it is read (they changed their state) hide none that stay. One that is changed
        meanwhile may come as it was before; whoever polls overlaps the next look with this one.
        """
        query: dict[str, str] = {"max": str(PAGE), "sort": "dateCreated", "order": "asc"}
        if states:
            query["order_state_codes"] = ",".join(states)
        if updated_since is not None:
            query["start_update_date"] = _moment(updated_since)

        async def fetch(offset: int) -> Page:
            answer = await self._json("OR11", "GET", "/orders", params={**query, "offset": str(offset)})
            total = answer.get("total_count")
            return Page(_listed(answer, "orders", "OR11"), total=total if isinstance(total, int) else None)

        try:
            async for order in by_offset(fetch, lambda order: str(order.get("order_id")), PAGE):
                yield order
        except UnsteadyListError as error:
            raise _unsteady("OR11", error) from error

    async def order(self, order_id: str) -> Mapping[str, Any] | None:
        """OR11 with one identifier: the order as it stands; None where the marketplace knows none."""
        answer = await self._json("OR11", "GET", "/orders", params={"order_ids": order_id}, related=order_id)
        page = _listed(answer, "orders", "OR11")
        return next((order for order in page if order.get("order_id") == order_id), None)

    async def accept(self, order_id: str, lines: Mapping[str, bool]) -> None:
        """OR21: accept (True) or refuse (False) each line of an order; all of them have to be named."""
        body = {"order_lines": [{"id": line, "accepted": accepted} for line, accepted in lines.items()]}
        await self._json("OR21", "PUT", f"/orders/{_part(order_id)}/accept", json=body, related=order_id)

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
            "OR23", "PUT", f"/orders/{_part(order_id)}/tracking", json=body, related=order_id, idempotent=True
        )

    async def ship(self, order_id: str) -> None:
        """OR24: the order is on its way; only from SHIPPING."""
        await self._json("OR24", "PUT", f"/orders/{_part(order_id)}/ship", related=order_id)

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

    async def thread(self, thread_id: str) -> Mapping[str, Any]:
        """M10: one thread with its messages."""
        return await self._json("M10", "GET", f"/inbox/threads/{_part(thread_id)}", related=thread_id)

    async def reply(self, thread_id: str, body: str, to: Sequence[Mapping[str, str]]) -> str:
        """M12: send a message in a thread, as a multipart form; the marketplace's identifier of it.

        `to`: {"type": "CUSTOMER" | "OPERATOR", "id": …} each.
        """
        message = {"body": body, "to": [dict(one) for one in to]}
        form = {"message_input": (None, orjson.dumps(message), "application/json")}
        answer = await self._json(
            "M12",
            "POST",
            f"/inbox/threads/{_part(thread_id)}/message",
            files=form,
            related=thread_id,
            said=message,
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

    async def stock_import(self, import_id: str) -> Mapping[str, Any]:
        """STO02: how far an import of stock is, and whether lines of it were refused."""
        path = f"/offers/stock/imports/{_part(import_id)}/status"
        return await self._json("STO02", "GET", path, related=import_id)

    async def stock_errors(self, import_id: str) -> Mapping[str, str]:
        """STO03: the shop SKUs that an import of stock did not take, each with the reason."""
        return await self._caller.send(
            "STO03",
            "GET",
            f"/offers/stock/imports/{_part(import_id)}/error_report",
            related=import_id,
            read=_refused_lines,
            params=self._shop,
        )

    async def transactions(self, since: datetime | None = None) -> AsyncIterator[Mapping[str, Any]]:
        """TL02: the lines of the seller's account that were written or changed since, the latest first."""
        query = {"limit": str(LINES)}
        if since is not None:
            query["last_updated_from"] = _moment(since)
        async for line in self._pages("TL02", "/sellerpayment/transactions_logs", query):
            yield line

    async def _pages(
        self, operation: str, path: str, query: Mapping[str, str]
    ) -> AsyncIterator[Mapping[str, Any]]:
        async def fetch(token: str | None) -> Page:
            asked = dict(query) if token is None else {**query, "page_token": token}
            answer = await self._json(operation, "GET", path, params=asked)
            return Page(_listed(answer, "data", operation), next_token=answer.get("next_page_token"))

        try:
            async for one in by_token(fetch):
                yield one
        except UnsteadyListError as error:
            raise _unsteady(operation, error) from error

    async def _json(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
        related: str | None = None,
        said: Any = None,
        **content: Any,
    ) -> Mapping[str, Any]:
        """One call; its answer as an object, empty where there is none. `said`: what a form holds, for the record."""
        return await self._caller.send(
            operation,
            method,
            path,
            idempotent=idempotent,
            related=related,
            said=said,
            read=_object,
            params={**(params or {}), **self._shop},
            **content,
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
    recorder = CallRecorder(db, account.account_id, trace_id=current_trace_id(), secrets=(key,))
    caller = Caller(
        SERVICE,
        client,
        recorder,
        pace=pace_of((SERVICE, account.api_url, account.account_id), limits_of(account)),
        explain=_explanation,
    )
    try:
        async with MiraklApi(client, caller, shop_id=account.mirakl_shop_id) as api:
            yield api
    finally:
        await recorder.settle()


def limits_of(account: Account) -> Mapping[str, Sequence[Limit]]:
    """How often each operation may be called: as documented, unless the account's settings say otherwise.

    `{"call_limits": {"OR11": [{"calls": 1, "seconds": 60}]}}`; an empty list takes a limit away.
    """
    said = account.settings.get("call_limits") or {}
    try:
        own = {
            operation: tuple(Limit(int(one["calls"]), float(one["seconds"])) for one in limits)
            for operation, limits in said.items()
        }
        if any(limit.calls < 1 or limit.seconds <= 0 for limits in own.values() for limit in limits):
            raise ValueError("fewer than one call, or no time")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InvalidInputError(
            f"The setting call_limits of {account.code} cannot be used: {error}.",
            hint='It looks like {"OR11": [{"calls": 1, "seconds": 60}]}.',
            where={"account": account.code, "path": "settings.call_limits"},
        ) from error
    return {**LIMITS, **own}


def _object(response: httpx.Response) -> Mapping[str, Any]:
    if not response.content.strip():
        return {}
    try:
        found = orjson.loads(response.content)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"it is not JSON ({error})") from error
    return found if isinstance(found, dict) else {"data": found}


def _refused_lines(response: httpx.Response) -> Mapping[str, str]:
    rows = csv.DictReader(io.StringIO(response.text), delimiter=";")
    if not {"offer-sku", "error-message"} <= set(rows.fieldnames or ()):
        raise ValueError("it is no error report")
    return {row["offer-sku"]: row["error-message"] or "no reason" for row in rows if row["offer-sku"]}


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


def _unsteady(operation: str, error: UnsteadyListError) -> ServiceError:
    return ServiceError(
        f"The list cannot be read to its end: {error}.",
        outcome=Outcome.TRANSIENT,
        service=SERVICE,
        operation=operation,
    )


def _explanation(response: httpx.Response) -> tuple[str | None, str | None]:
    """What the marketplace says of a refusal: {"status", "message"} or {"errors": [{"code", "field", "message"}]}."""
    try:
        found = response.json()
    except ValueError:
        return None, None
    if not isinstance(found, dict):
        return None, None
    listed = found.get("errors")
    errors = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    told = "; ".join(str(one["message"]) for one in errors if one.get("message"))
    code = found.get("code") or next((one["code"] for one in errors if one.get("code")), None)
    words = str(found.get("message") or told).strip()
    return words or None, None if code is None else str(code)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _part(identifier: str) -> str:
    """An identifier as a part of a path: what it holds stays within."""
    return quote(identifier, safe="")


def _quoted(sku: str) -> str:
    return sku.replace('"', '""')
