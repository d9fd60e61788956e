"""Changing an account: its name, where its API is, how often it is looked at and called."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import InvalidInputError
from entrepot.mirakl.accounts import queries
from entrepot.mirakl.accounts.accounts import (
    Account,
    checked_pace,
    checked_time_zone,
    checked_url,
    get_account,
)
from entrepot.mirakl.failures.pacing import Limit
from entrepot.mirakl.marketplace_api import limits_of


async def change_account(
    session: AsyncSession,
    account_id: UUID,
    *,
    marketplace: str | None = None,
    api_url: str | None = None,
    time_zone: str | None = None,
    poll_seconds: int | None = None,
    call_limits: Mapping[str, Sequence[Limit]] | None = None,
) -> Account:
    """Change what is given, leave the rest; `call_limits` stand in place of all that were set before.

    Raises NotFoundError, InvalidInputError for what cannot be.
    """
    account = await get_account(session, account_id)
    limits = None
    if call_limits is not None:
        limits = {name: [asdict(one) for one in those] for name, those in call_limits.items()}
        limits_of(replace(account, settings={"call_limits": limits}))
    values = {
        "account_id": account_id,
        "marketplace": marketplace.strip() or None if marketplace else None,
        "api_url": None if api_url is None else checked_url(api_url),
        "time_zone": None if time_zone is None else checked_time_zone(time_zone),
        "poll_seconds": None if poll_seconds is None else checked_pace(poll_seconds),
        "call_limits": None if limits is None else orjson.dumps(limits).decode(),
    }
    await queries.update_account(session, values)
    return await get_account(session, account_id)


def limits_said(said: Sequence[str]) -> dict[str, list[Limit]]:
    """Limits as a person writes them, such as OR11=1/60 or OR11=none; raises InvalidInputError."""
    found: dict[str, list[Limit]] = {}
    for one in said:
        operation, equals, rest = one.partition("=")
        limits = found.setdefault(operation.strip(), [])
        if rest.strip() == "none":
            continue
        calls, slash, seconds = rest.partition("/")
        try:
            if not (operation.strip() and equals and slash):
                raise ValueError
            limits.append(Limit(int(calls), float(seconds)))
        except ValueError:
            raise InvalidInputError(
                f"{one!r} is no limit of calls.",
                hint="Write OPERATION=CALLS/SECONDS, such as OR11=1/60, or OPERATION=none.",
                where={"path": "limit"},
            ) from None
    return found
