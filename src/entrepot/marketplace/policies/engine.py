"""The policy engine of one process: published policies in memory, decisions at once, their record a moment later."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.clock import now
from entrepot.kit.db import Database
from entrepot.kit.db.live import Changes, LiveCopy
from entrepot.kit.errors import InvalidInputError, NotFoundError
from entrepot.marketplace.policies.evaluating import Context, Decision, Policy, PolicySet
from entrepot.marketplace.policies.reading import read_live
from entrepot.marketplace.policies.recording import Recorder


class PolicyEngine:
    """Evaluates the published policies of every platform."""

    def __init__(self, db: Database, changes: Changes) -> None:
        self.recorder = Recorder(db)
        self._compiled: dict[UUID, dict[UUID, Policy]] = {}
        self._copy = LiveCopy(db, changes, "policy", self._load)

    async def start(self) -> None:
        """Begin to record."""
        await self.recorder.__aenter__()

    async def stop(self) -> None:
        """Write every decision that has not been written."""
        await self.recorder.__aexit__(None, None, None)

    async def policies(self, platform_id: UUID) -> PolicySet:
        """The live policies of a platform. Raises UnavailableError when they have to be read and cannot."""
        return await self._copy.get(platform_id)

    async def evaluate(
        self,
        platform_id: UUID,
        key: str,
        context: Context,
        *,
        trace_id: str | None = None,
        service: str | None = None,
        at: datetime | None = None,
        record: bool = True,
    ) -> Decision:
        """The decision of a policy on a context, at a moment or now; recorded unless `record` is false.

        Raises NotFoundError for a policy that is not published, InvalidInputError for a context that is no object or
        does not fit the policy's schema, UnavailableError where a decision could not be recorded, or rules not be read.
        """
        policies = self._copy.peek(platform_id)
        if policies is None:
            policies = await self._copy.get(platform_id)
        decision = policies[key].evaluate(context, at)
        if record:
            recorder = self.recorder
            note = recorder.note(platform_id, decision, trace_id=trace_id, service=service)
            # Without a task's detour where there is room, as there mostly is.
            if recorder.writer.has_room:
                recorder.writer.put(note)
            else:
                await recorder.writer.put_all((note,))
        return decision

    async def evaluate_many(
        self,
        platform_id: UUID,
        questions: Iterable[tuple[str, Context]],
        *,
        trace_id: str | None = None,
        service: str | None = None,
        at: datetime | None = None,
        record: bool = True,
    ) -> list[Decision]:
        """The decisions on several questions, a policy's key and a context each, by the same rules at the same moment.

        All are decided before any is recorded. Raises what `evaluate` raises, `where["path"]` beginning with the
        question: `questions[3].context.price`.
        """
        policies = self._copy.peek(platform_id)
        if policies is None:
            policies = await self._copy.get(platform_id)
        moment = at or now()
        decisions, notes = [], []
        for number, (key, context) in enumerate(questions):
            try:
                decision = policies[key].evaluate(context, moment)
                if record:
                    notes.append(
                        self.recorder.note(platform_id, decision, trace_id=trace_id, service=service)
                    )
            except (InvalidInputError, NotFoundError) as error:
                path = error.where.get("path") or "policy"
                error.where["path"] = f"questions[{number}].{path}"
                raise
            decisions.append(decision)
        await self.recorder.writer.put_all(notes)
        return decisions

    async def _load(self, session: AsyncSession, platform_id: UUID) -> PolicySet:
        found = await read_live(session, platform_id, self._compiled.get(platform_id))
        self._compiled[platform_id] = {
            policy.definition_id: policy for policy in found if policy.definition_id is not None
        }
        return found
