"""Slowing down those who guess passwords.

An attempt is written as a failure before the password is looked at and marked as a success afterwards, so that many
attempts sent at once cannot all pass before the first failure is counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.clock import now
from entrepot.kit.crypto import digest
from entrepot.kit.errors import LimitedError
from entrepot.kit.output import format_duration
from entrepot.pim.tenants import access_queries as queries


@dataclass(frozen=True, slots=True)
class Window:
    """At most `limit` failures in any `span`, counted over the attempts that share `by`."""

    name: str
    by: tuple[str, ...]
    limit: int
    span: timedelta


#: One person who mistypes, one account under attack from many addresses, one address that tries many accounts.
WINDOWS = (
    Window("pair", ("email", "ip"), 5, timedelta(minutes=15)),
    Window("account", ("email",), 50, timedelta(hours=1)),
    Window("address", ("ip",), 100, timedelta(hours=1)),
)

#: How long attempts are kept, for whoever looks into an attack.
KEPT = timedelta(days=30)


def seconds_to_wait(decisive: Mapping[str, datetime | None], at: datetime) -> float:
    """The seconds until every window lets the next attempt in; 0 when all do.

    `decisive` holds, for each window, when its `limit`-th newest failure happened: the attempt may be made when that
    one has left the window.
    """
    waits = [
        (moment + window.span - at).total_seconds()
        for window in WINDOWS
        if (moment := decisive.get(window.name)) is not None
    ]
    return max([0.0, *waits])


async def begin_attempt(session: AsyncSession, *, email: str, ip: str | None) -> UUID:
    """Count an attempt and return its id, to be given to `mark_success`; takes a session of `db.system()`.

    Raises LimitedError with `retry_after` when the account or the address has failed too often.
    """
    # A digest, since people type their password into the wrong field.
    account, network = digest(email), network_of(ip)
    await queries.lock_attempts(session, keys=[f"sign-in {account}", f"sign-in {network}"])
    at = now()
    decisive = {
        window.name: await queries.nth_failure(
            session,
            email_digest=account if "email" in window.by else None,
            first_ip=str(network[0]) if "ip" in window.by and network else None,
            last_ip=str(network[-1]) if "ip" in window.by and network else None,
            since=at - window.span,
            nth=window.limit,
        )
        for window in WINDOWS
        if network is not None or window.by != ("ip",)
    }
    wait = seconds_to_wait(decisive, at)
    if wait > 0:
        raise LimitedError(
            "Too many attempts to sign in have failed.",
            retry_after=wait,
            hint=f"Try again in {format_duration(max(wait, 1))}.",
        )
    return await queries.insert_attempt(
        session, email_digest=account, ip=str(ip_address(ip)) if network and ip else None, at=at
    )


def network_of(ip: str | None) -> IPv4Network | IPv6Network | None:
    """The addresses that count as one: an IPv4 address, or the /64 that an IPv6 subscriber has to choose from."""
    if ip is None:
        return None
    try:
        address = ip_address(ip)
    except ValueError:
        return None  # a Unix socket's peer, or a proxy's invention
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return ip_network((address, 32 if address.version == 4 else 64), strict=False)


async def mark_success(session: AsyncSession, attempt_id: UUID) -> None:
    """Say that the attempt ended well; the failures before it at the same address no longer count against it."""
    await queries.mark_attempt(session, attempt_id)


async def forget_old_attempts(session: AsyncSession) -> int:
    """Delete attempts older than `KEPT`; returns how many."""
    return await queries.delete_attempts(session, before=now() - KEPT)
