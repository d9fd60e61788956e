"""The limits engine of one process: limits in memory, counters in the database, one round trip a question."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.db import Database
from entrepot.kit.db.live import Changes, LiveCopy
from entrepot.kit.errors import InvalidInputError, NotFoundError
from entrepot.marketplace.limits import queries
from entrepot.marketplace.limits.answers import Answer, Kind, Settled
from entrepot.marketplace.limits.asking import Request
from entrepot.marketplace.limits.modeling import (
    Counter,
    Rule,
    Taken,
    answer,
    moment,
    peek,
    reclaim,
)
from entrepot.marketplace.limits.reading import read_live
from entrepot.marketplace.limits.refusing import (
    Action,
    lifetime_of,
    overtaken,
    refuse_amount,
    refuse_concurrent,
    refuse_giving_back,
    refuse_holding,
    refuse_unsettled,
)
from entrepot.marketplace.limits.resolving import Context, Limit, Limits
from entrepot.marketplace.limits.taking import Taker

MOST_IN_A_BATCH = 1_000
#: Outcomes of an id that cannot be used any more.
OVER = ("OTHER", "RELEASED", "EXPIRED")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One of several that are consumed at once."""

    key: str
    entity_id: str
    amount: int = 1
    context: Context | None = None
    request_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers to several, in their order. `allowed`: all of them; `taken`: whether anything was counted."""

    allowed: bool
    taken: bool
    answers: Sequence[Answer]


class LimitEngine:
    """Consumes the limits of every platform."""

    def __init__(self, db: Database, changes: Changes, *, connections: int = 4) -> None:
        self.taker = Taker(db.url("app"), connections=connections)
        self._copy = LiveCopy(db, changes, "limit", _load)

    async def start(self) -> None:
        """Be ready to count."""
        await self.taker.start()

    async def stop(self) -> None:
        """Answer what waits, and disconnect."""
        await self.taker.stop()

    async def limits(self, platform_id: UUID) -> Limits:
        """The live limits of a platform. Raises UnavailableError when they have to be read and cannot."""
        return self.known(platform_id) or await self._copy.get(platform_id)

    def known(self, platform_id: UUID) -> Limits | None:
        """The live limits where they are in memory and can be trusted; another object after each change of them."""
        return self._copy.peek(platform_id)

    async def consume(
        self,
        platform_id: UUID,
        key: str,
        entity_id: str,
        amount: int = 1,
        context: Context | None = None,
        *,
        request_id: UUID | None = None,
    ) -> Answer:
        """Use an amount of a limit, if it is there. With a `request_id` it counts once, however often it is asked.

        Raises NotFoundError for a limit that is not in force, InvalidInputError for an amount, entity or context that
        cannot be, ConflictError for a request id that was used for something else, UnavailableError when the database
        does not answer.
        """
        limit = await self._limit(platform_id, key)
        rule = limit.resolve(entity_id, amount, context)
        refuse_concurrent(rule)
        kind: Kind | None = None if request_id is None else "REQUEST"
        request = Request(
            platform_id, rule, entity_id, amount, kind, request_id, enforced=not limit.suspended
        )
        return await self._take(request, limit, rule)

    async def check(
        self, platform_id: UUID, key: str, entity_id: str, amount: int = 1, context: Context | None = None
    ) -> Answer:
        """Whether an amount could be used now, and how much is; nothing is counted. Raises what `consume` raises."""
        limit = await self._limit(platform_id, key)
        rule = limit.resolve(entity_id, amount, context)
        values = (
            str(platform_id),
            key,
            entity_id,
            rule.algorithm,
            rule.unit,
            rule.span,
            rule.zone,
            self.taker.at,
        )
        (state,) = await self.taker.fetch(queries.STATE, values)
        taken = _peeked(rule, state, amount)
        if limit.suspended:
            taken = replace(taken, outcome="ALLOWED", retry_at=None)
        return answer(rule, taken, entity_id, amount, enforced=not limit.suspended)

    async def reserve(
        self,
        platform_id: UUID,
        key: str,
        entity_id: str,
        amount: int = 1,
        context: Context | None = None,
        *,
        seconds: float | None = None,
        reservation_id: UUID | None = None,
    ) -> Answer:
        """Hold an amount until it is committed or released, or until it expires and is given back.

        A `reservation_id` of the caller's makes a second call give the first one's reservation. Raises what `consume`
        raises, and ConflictError for a reservation that is over.
        """
        return await self._hold(
            "RESERVATION", platform_id, key, entity_id, amount, context, seconds, reservation_id
        )

    async def acquire(
        self,
        platform_id: UUID,
        key: str,
        entity_id: str,
        amount: int = 1,
        context: Context | None = None,
        *,
        seconds: float | None = None,
        lease_id: UUID | None = None,
    ) -> Answer:
        """A place among those that a CONCURRENT limit lets run; it is renewed, released, or expires.

        Raises what `reserve` raises.
        """
        return await self._hold("LEASE", platform_id, key, entity_id, amount, context, seconds, lease_id)

    async def commit(self, platform_id: UUID, reservation_id: UUID, amount: int | None = None) -> Settled:
        """Have a reservation count for good, or `amount` of it; the rest is given back. Doing it again changes nothing.

        Raises NotFoundError for an unknown one, ConflictError for one that was released or has expired,
        InvalidInputError for more than was reserved.
        """
        refuse_amount(amount)
        return await self._settle(platform_id, reservation_id, "RESERVATION", "COMMIT", amount)

    async def release(self, platform_id: UUID, reservation_id: UUID) -> Settled:
        """Give a reservation back. Doing it again changes nothing, nor does it once the reservation has expired.

        Raises NotFoundError for an unknown one, ConflictError for one that was committed.
        """
        return await self._settle(platform_id, reservation_id, "RESERVATION", "RELEASE")

    async def renew(self, platform_id: UUID, lease_id: UUID, *, seconds: float = 60) -> Settled:
        """Have a lease expire so many seconds from now.

        Raises NotFoundError for an unknown one, ConflictError for one that is over: then somebody else may run.
        """
        return await self._settle(platform_id, lease_id, "LEASE", "RENEW", lifetime=lifetime_of(seconds))

    async def release_lease(self, platform_id: UUID, lease_id: UUID) -> Settled:
        """Give the place of a lease to somebody else. Doing it again changes nothing. Raises NotFoundError."""
        return await self._settle(platform_id, lease_id, "LEASE", "RELEASE")

    async def give_back(self, platform_id: UUID, key: str, entity_id: str, amount: int = 1) -> int:
        """Give back to a TOTAL limit, because what counted is gone; returns how much that was, never more than was used.

        Raises NotFoundError for a limit that is not in force, InvalidInputError for one of another kind.
        """
        limit = await self._limit(platform_id, key)
        rule = limit.resolve(entity_id, amount, None)
        refuse_giving_back(rule)
        values = (str(platform_id), key, entity_id, amount)
        ((given, _),) = await self.taker.fetch(queries.GIVE_BACK, values)
        return int(given)

    async def consume_many(
        self, platform_id: UUID, wanted: Sequence[Wanted], *, together: bool = True
    ) -> Answers:
        """Consume several limits in one transaction: all or nothing, or each for itself.

        Where `together` one is denied nothing is taken, and the answers say what each would have been. Raises what
        `consume` raises, `where["path"]` beginning with the request: `requests[3].amount`.
        """
        if not 1 <= len(wanted) <= MOST_IN_A_BATCH:
            raise InvalidInputError(
                f"Between 1 and {MOST_IN_A_BATCH:,} limits can be consumed at once, not {len(wanted):,}.",
                where={"path": "requests"},
            )
        limits = await self.limits(platform_id)
        asked: list[tuple[Limit, Rule]] = []
        requests: list[Request] = []
        for number, want in enumerate(wanted):
            try:
                limit = limits[want.key]
                rule = limit.resolve(want.entity_id, want.amount, want.context)
                refuse_concurrent(rule)
            except (InvalidInputError, NotFoundError) as error:
                error.where["path"] = f"requests[{number}].{error.where.get('path', 'key')}"
                raise
            kind: Kind | None = None if want.request_id is None else "REQUEST"
            asked.append((limit, rule))
            requests.append(
                Request(
                    platform_id,
                    rule,
                    want.entity_id,
                    want.amount,
                    kind,
                    want.request_id,
                    enforced=not limit.suspended,
                )
            )
        taken = await self.taker.take_many(requests, together=together)
        refused = together and any(one.outcome not in ("ALLOWED", "REPEATED") for one in taken)
        answers = []
        for number, (request, one, (limit, rule)) in enumerate(zip(requests, taken, asked, strict=True)):
            if together and one.outcome in OVER:
                raise overtaken(request.id, one.outcome, f"requests[{number}].request_id")
            found = _given_up(request.rule, one, request.amount) if refused else one
            answers.append(
                answer(
                    rule,
                    found,
                    request.entity_id,
                    request.amount,
                    hold_id=request.id,
                    enforced=not limit.suspended,
                )
            )
        return Answers(
            allowed=all(one.allowed for one in answers),
            taken=not refused and any(one.outcome == "ALLOWED" for one in taken),
            answers=answers,
        )

    async def _limit(self, platform_id: UUID, key: str) -> Limit:
        limits = self._copy.peek(platform_id)
        return (await self._copy.get(platform_id) if limits is None else limits)[key]

    async def _take(self, request: Request, limit: Limit, rule: Rule) -> Answer:
        taken = await self.taker.take(request)
        if taken.outcome in OVER:
            raise overtaken(request.id, taken.outcome, "request_id" if request.kind == "REQUEST" else "id")
        held = request.id if taken.outcome != "DENIED" else None
        return answer(
            rule, taken, request.entity_id, request.amount, hold_id=held, enforced=not limit.suspended
        )

    async def _hold(
        self,
        kind: Kind,
        platform_id: UUID,
        key: str,
        entity_id: str,
        amount: int,
        context: Context | None,
        seconds: float | None,
        hold_id: UUID | None,
    ) -> Answer:
        limit = await self._limit(platform_id, key)
        rule = limit.resolve(entity_id, amount, context)
        refuse_holding(rule, kind)
        lifetime = None if seconds is None else lifetime_of(seconds)
        hold_id = hold_id or uuid4()
        request = Request(
            platform_id, rule, entity_id, amount, kind, hold_id, lifetime, enforced=not limit.suspended
        )
        return await self._take(request, limit, rule)

    async def _settle(
        self,
        platform_id: UUID,
        hold_id: UUID,
        kind: Kind,
        action: Action,
        amount: int | None = None,
        lifetime: int | None = None,
    ) -> Settled:
        values = (str(platform_id), hold_id, kind, action, amount, lifetime, self.taker.at)
        ((outcome, *columns),) = await self.taker.fetch(queries.SETTLE, values)
        key, entity_id, state, held, settled_amount, expires_at, settled_at = columns
        refuse_unsettled(outcome, hold_id, kind, action, held=held, amount=amount)
        return Settled(hold_id, key, entity_id, state, held, settled_amount, expires_at, settled_at)


async def _load(session: AsyncSession, platform_id: UUID) -> Limits:
    return await read_live(session, platform_id)


def _given_up(rule: Rule, taken: Taken, amount: int) -> Taken:
    """What was taken and undone, because another was denied, as it stands without it."""
    if taken.outcome != "ALLOWED":
        return taken
    if rule.algorithm == "TOKEN_BUCKET":
        return replace(taken, resets_at=(taken.resets_at or taken.at) - amount * rule.emission)
    return replace(taken, used=(taken.used or 0) - amount)


def _peeked(rule: Rule, state: Sequence[Any], amount: int) -> Taken:
    at, _, algorithm, used, number, slices, reset_time, next_expiry, expired = state
    counter = Counter(rule.algorithm)
    if algorithm == rule.algorithm:
        counter = Counter(
            algorithm, used, number, slices or [], None if reset_time is None else moment(reset_time)
        )
    reclaim(counter, [(one["amount"], one["slice"], int(one["worth"] or 0)) for one in expired or ()])
    now = moment(at)
    expiry = None if next_expiry is None or next_expiry <= at else moment(next_expiry)
    return peek(rule, counter, amount, now, expiry=expiry)
