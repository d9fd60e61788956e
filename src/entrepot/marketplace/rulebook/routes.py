"""Definitions over HTTP, the same for every kind: written as drafts, tried, taken through their states, rolled back.

Each kind has these addresses below its plural (`/policies`, `/experiments`, `/prices`, `/limits`), beside those at which
its engine is asked.
"""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Path, Query, Request, Response

from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.kit.web.parameters import After, Before, Limit, answer_page
from entrepot.kit.web.problems import GUARDED, responses
from entrepot.marketplace.platforms.access import PlatformAccess, PlatformReading, PlatformWriting
from entrepot.marketplace.rulebook import authoring
from entrepot.marketplace.rulebook.authoring import Version, parse_document
from entrepot.marketplace.rulebook.problems import problems_of, refusal
from entrepot.marketplace.rulebook.queries import AnyKind
from entrepot.marketplace.rulebook.reading import (
    MOST_STEPS,
    Definition,
    compare_versions,
    find_definition,
    list_keys,
    list_steps,
    try_document,
    version_dict,
)
from entrepot.marketplace.rulebook.registry import kinds
from entrepot.marketplace.rulebook.schemas import (
    DecidedList,
    DefinitionBody,
    KeyPage,
    PublishIn,
    RollBackIn,
    StateSteps,
    StepIn,
    TrialAnswer,
    VersionComparison,
    VersionList,
    as_given,
    trial_model,
)

READING = responses(*GUARDED, NotFoundError)
WRITING = responses(*GUARDED, NotFoundError, ConflictError)

Key = Annotated[str, Path(max_length=100, description="Key of the definition.")]
Which = Annotated[
    str | None,
    Query(
        pattern="^(live|draft|[1-9][0-9]{0,8})$",
        description="A number, `live` or `draft`; without it the live one, or the newest where none is live.",
    ),
]


def router_of(kind: AnyKind) -> APIRouter:
    """The routes of a kind."""
    router = APIRouter(prefix=f"/{kind.plural}", tags=[kind.title])
    _add_trying(router, kind)
    _add_reading(router, kind)
    _add_history(router, kind)
    _add_writing(router, kind)
    _add_steps(router, kind)
    return router


def _add_trying(router: APIRouter, kind: AnyKind) -> None:
    trial: type[Any] = trial_model(kind)

    @router.post(
        "/try",
        operation_id=f"try{_name(kind)}",
        summary=f"Try a {kind.name}",
        response_model=TrialAnswer,
        responses=READING,
    )
    async def try_definition(access: PlatformReading, body: trial) -> dict[str, Any]:  # type: ignore[valid-type]
        """What a document that need not be saved would answer to an example. Nothing is stored or recorded."""
        given: Any = body
        document = parse_document(kind, given.document, "document")
        try:
            example, found = await try_document(
                access.session, kind, access.platform_id, document, given.example
            )
        except InvalidInputError as error:
            raise refusal(problems_of(error, "example")) from error
        return {
            "example": example,
            "answer": found.answer,
            "lines": found.lines,
            "words": kind.words(document),
        }


def _add_reading(router: APIRouter, kind: AnyKind) -> None:
    @router.get(
        "",
        operation_id=f"list{_names(kind)}",
        summary=f"The {kind.plural} of a platform",
        response_model=KeyPage,
        responses=responses(*GUARDED),
    )
    async def list_definitions(
        request: Request,
        response: Response,
        access: PlatformReading,
        q: Annotated[
            str | None, Query(max_length=100, description="Only keys in which this text stands.")
        ] = None,
        state: Annotated[
            str | None,
            Query(max_length=30, description="Only keys whose live or newest version is in this state."),
        ] = None,
        after: After = None,
        before: Before = None,
        limit: Limit = 50,
    ) -> dict[str, Any]:
        """A page of the keys, each with its live and its newest version."""
        if state is not None and state not in kind.machine.states:
            raise InvalidInputError(
                f"A {kind.machine.name} is never {state!r}.",
                hint=f"Its states are {', '.join(kind.machine.states)}.",
                where={"path": "state"},
            )
        page = await list_keys(
            access.session,
            kind,
            access.platform_id,
            q=q,
            state=state,
            after=after,
            before=before,
            limit=limit,
        )
        answer = answer_page(request, response, page)
        return {**answer, "items": [listed.as_dict() for listed in page.rows]}

    @router.get(
        "/{key}",
        operation_id=f"get{_name(kind)}",
        summary=f"One {kind.name}",
        response_model=DefinitionBody,
        responses=READING,
    )
    async def get_one(access: PlatformReading, key: Key, version: Which = None) -> dict[str, Any]:
        """A version with its content, and what it says in words."""
        return (await find_definition(access.session, kind, access.platform_id, key, version)).as_dict()

    @router.get(
        "/{key}/recent",
        operation_id=f"listRecentOf{_name(kind)}",
        summary=f"What a {kind.name} decided last",
        response_model=DecidedList,
        responses=READING,
    )
    async def list_recent(access: PlatformReading, key: Key, limit: Limit = 20) -> dict[str, Any]:
        """The last things that the definition decided, the newest first."""
        await authoring.list_versions(access.session, kind, access.platform_id, key)
        return {"items": await kind.recent(access.session, access.platform_id, key, limit)}


def _add_history(router: APIRouter, kind: AnyKind) -> None:
    @router.get(
        "/{key}/versions",
        operation_id=f"list{_name(kind)}Versions",
        summary=f"The versions of a {kind.name}",
        response_model=VersionList,
        responses=READING,
    )
    async def list_all_versions(access: PlatformReading, key: Key) -> dict[str, Any]:
        """Every version, the newest first."""
        found = await authoring.list_versions(access.session, kind, access.platform_id, key)
        return {"items": [version_dict(kind, version) for version in found]}

    @router.get(
        "/{key}/differences",
        operation_id=f"compare{_name(kind)}Versions",
        summary=f"What differs between two versions of a {kind.name}",
        response_model=VersionComparison,
        response_model_exclude_unset=True,
        responses=READING,
    )
    async def compare(
        access: PlatformReading,
        key: Key,
        old: Annotated[
            int | None,
            Query(ge=1, description="The earlier version; without it the one before that was live."),
        ] = None,
        new: Annotated[
            int | None, Query(ge=1, description="The later version; without it the newest.")
        ] = None,
    ) -> dict[str, Any]:
        """The fields in which they differ, in the order of the later one."""
        earlier, later, found = await compare_versions(
            access.session, kind, access.platform_id, key, old, new
        )
        return {
            "old": earlier.version if earlier else None,
            "new": later.version,
            "differences": [one.as_dict() for one in found],
        }

    @router.get(
        "/{key}/steps",
        operation_id=f"list{_name(kind)}Steps",
        summary=f"The history of a {kind.name}",
        response_model=StateSteps,
        responses=READING,
    )
    async def list_history(
        access: PlatformReading,
        key: Key,
        limit: Annotated[int, Query(ge=1, le=MOST_STEPS, description="Most steps.")] = 50,
    ) -> dict[str, Any]:
        """Every step that the versions took: when, from where to where, who, and why; the newest first."""
        rows = await list_steps(access.session, kind, access.platform_id, key, limit)
        return {"items": [dict(row) for row in rows]}


def _add_writing(router: APIRouter, kind: AnyKind) -> None:
    written: Any = Annotated[
        as_given(kind),
        Body(description=f"The {kind.name}; its `key` may be left out.", examples=[kind.starter()]),
    ]

    @router.put(
        "/{key}/draft",
        operation_id=f"save{_name(kind)}Draft",
        summary=f"Write a draft of a {kind.name}",
        response_model=DefinitionBody,
        responses=WRITING,
    )
    async def save_draft(
        access: PlatformWriting,
        key: Key,
        body: written,
        seen: Annotated[
            UUID | None,
            Query(description="Newest version that the writer knew of (its `id`): a newer one refuses this."),
        ] = None,
    ) -> dict[str, Any]:
        """Keep a document as the draft of its key: in place of the draft that there is, or as a new version.

        Every problem of a document that cannot be used is in `where.problems`, each with its path.
        """
        given = {"key": key, **body} if isinstance(body, dict) else body
        document = parse_document(kind, given)
        if authoring.key_of(document) != key:
            raise InvalidInputError(
                f"The document is of the {kind.name} {authoring.key_of(document)!r}, not {key!r}.",
                hint="Leave the key out of the document, or give the same.",
                where={"path": "key"},
            )
        version = await authoring.save_draft(
            access.session,
            kind,
            access.platform_id,
            document,
            user_id=access.person.user_id,
            seen=seen,
        )
        return await _content(access, kind, version)

    @router.delete(
        "/{key}/draft",
        operation_id=f"discard{_name(kind)}Draft",
        summary=f"Throw the draft of a {kind.name} away",
        status_code=204,
        response_class=Response,
        responses=WRITING,
    )
    async def discard_draft(access: PlatformWriting, key: Key) -> None:
        """The draft is gone as if it had never been written; a version under review has to be rejected first."""
        await authoring.discard_draft(access.session, kind, access.platform_id, key)


def _add_steps(router: APIRouter, kind: AnyKind) -> None:
    @router.post(
        "/{key}/steps",
        operation_id=f"step{_name(kind)}",
        summary=f"Take a {kind.name} a step further",
        response_model=DefinitionBody,
        responses=WRITING,
    )
    async def take_step(access: PlatformWriting, key: Key, body: StepIn) -> dict[str, Any]:
        """Do with a version what one of its `events` says.

        Handing a draft in, taking it back and giving it up are part of writing; every other step is an admin's.
        """
        access.require(
            await authoring.scope_of_step(
                access.session, kind, access.platform_id, key, body.event, number=body.version
            )
        )
        version = await authoring.take_step(
            access.session,
            kind,
            access.platform_id,
            key,
            body.event,
            number=body.version,
            reason=body.reason,
        )
        return await _content(access, kind, version)

    @router.post(
        "/{key}/publish",
        operation_id=f"publish{_name(kind)}",
        summary=f"Publish a {kind.name}",
        response_model=DefinitionBody,
        responses=WRITING,
    )
    async def publish(access: PlatformWriting, key: Key, body: PublishIn | None = None) -> dict[str, Any]:
        """Take the newest version all the way to the state in which it decides, each step kept; for admins."""
        access.require("admin")
        reason = body.reason if body else None
        version = await authoring.publish(access.session, kind, access.platform_id, key, reason=reason)
        return await _content(access, kind, version)

    @router.post(
        "/{key}/rollback",
        operation_id=f"rollBack{_name(kind)}",
        summary=f"Go back to an earlier version of a {kind.name}",
        response_model=DefinitionBody,
        responses=WRITING,
    )
    async def roll_back(access: PlatformWriting, key: Key, body: RollBackIn | None = None) -> dict[str, Any]:
        """Publish what an earlier version said again, as a new version; for admins."""
        access.require("admin")
        wanted = body or RollBackIn()
        version = await authoring.roll_back(
            access.session,
            kind,
            access.platform_id,
            key,
            wanted.version,
            user_id=access.person.user_id,
            reason=wanted.reason,
        )
        return await _content(access, kind, version)


async def _content(access: PlatformAccess, kind: AnyKind, version: Version) -> dict[str, Any]:
    document = await authoring.read_document(access.session, kind, version)
    return Definition(kind, version, document).as_dict()


def _name(kind: AnyKind) -> str:
    return kind.name.capitalize()


def _names(kind: AnyKind) -> str:
    return kind.plural.capitalize()


router = APIRouter()
for _kind in kinds():
    router.include_router(router_of(_kind))
