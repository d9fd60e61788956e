"""What an engine offers so that its definitions are written, tried, published and kept in files like those of the others."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.marketplace.lifecycle import Machine, Versioned

D = TypeVar("D", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Trial:
    """What a document would answer to an example: the answer as JSON, and the way to it in sentences."""

    answer: Mapping[str, Any]
    lines: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Decided:
    """One of the last things that a definition decided."""

    at: datetime
    summary: str
    subject: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    href: str | None = None


class Kind(ABC, Generic[D]):
    """One kind of definition. `document` holds a definition with all its parts, as files, API and console hold it."""

    #: Singular, plural (the key in files and addresses) and heading.
    name: ClassVar[str]
    plural: ClassVar[str]
    title: ClassVar[str]
    table: ClassVar[type[Versioned]]
    key_column: ClassVar[str]
    machine: ClassVar[Machine]
    document: type[D]

    @property
    def table_name(self) -> str:
        """The definition's table with its schema."""
        return str(self.table.__table__.fullname)  # type: ignore[attr-defined]

    @abstractmethod
    def check(self, document: D) -> None:
        """Raise InvalidInputError, with the path, for what the document's types cannot say. Runs before anything is stored."""

    async def check_together(self, session: AsyncSession, platform_id: UUID, keys: Sequence[str]) -> None:
        """Raise InvalidInputError where the newest versions of these keys, just written, cannot be beside the others.

        Runs once after all drafts of a transaction are written, so that they may refer to one another.
        """

    @abstractmethod
    def columns(self, document: D) -> dict[str, Any]:
        """The definition row's own columns; values of jsonb columns as Python values."""

    @abstractmethod
    async def write_parts(
        self, session: AsyncSession, platform_id: UUID, definition_id: UUID, document: D
    ) -> None:
        """Insert the rows that hang on the definition."""

    @abstractmethod
    async def read(self, session: AsyncSession, definition_ids: Sequence[UUID]) -> dict[UUID, D]:
        """The documents of versions; what `columns` and `write_parts` wrote comes back equal."""

    @abstractmethod
    def words(self, document: D) -> list[str]:
        """The document in sentences, for people."""

    @abstractmethod
    def example(self, document: D) -> dict[str, Any]:
        """An input on which the document can be tried."""

    @abstractmethod
    async def attempt(
        self, session: AsyncSession, platform_id: UUID, document: D, example: Mapping[str, Any]
    ) -> Trial:
        """What an unsaved document would answer; changes and records nothing."""

    @abstractmethod
    async def recent(self, session: AsyncSession, platform_id: UUID, key: str, limit: int) -> list[Decided]:
        """The last things that the definition decided, newest first."""

    async def last_decided(
        self, session: AsyncSession, platform_id: UUID, keys: Sequence[str]
    ) -> dict[str, datetime]:
        """When each of the keys decided last; those that never did are left out."""
        found = {}
        for key in keys:
            for decided in await self.recent(session, platform_id, key, 1):
                found[key] = decided.at
        return found

    def starter(self) -> dict[str, Any]:
        """A document to begin with: the first example of the model's own."""
        extra = self.document.model_config.get("json_schema_extra")
        examples = extra.get("examples") if isinstance(extra, dict) else None
        if not isinstance(examples, list) or not isinstance(examples[0], dict):
            raise TypeError(f"{self.document.__name__} has no example")
        return dict(examples[0])
