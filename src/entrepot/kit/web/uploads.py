"""Receiving a file: a multipart body goes to disk as it comes, however long it is, with its SHA-256 on the way."""

import asyncio
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from entrepot.kit.errors import InvalidInputError, UnavailableError

MAX_FIELD = 16_384
MAX_FIELDS = 32
MAX_NAME = 255


@dataclass(frozen=True, slots=True)
class Upload:
    """A received file, and the fields of the form beside it. Whoever asked for it deletes the file."""

    path: Path
    name: str
    size: int
    sha256: str
    fields: Mapping[str, str]


@dataclass
class _Receiver:
    """The parser's callbacks: fields into memory, the file to disk."""

    directory: Path
    file_field: str
    check: Callable[[Mapping[str, str]], None]
    fields: dict[str, str] = field(default_factory=dict)
    path: Path | None = None
    name: str = ""
    size: int = 0
    complete: bool = False
    digest: Any = field(default_factory=sha256)
    _out: BinaryIO | None = None
    _header: tuple[bytearray, bytearray] = field(default_factory=lambda: (bytearray(), bytearray()))
    _headers: dict[str, bytes] = field(default_factory=dict)
    _part: str = ""
    _value: bytearray = field(default_factory=bytearray)

    def on_part_begin(self) -> None:
        self._headers, self._part, self._value = {}, "", bytearray()

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header[0].extend(data[start:end])

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1].extend(data[start:end])

    def on_header_end(self) -> None:
        name, value = self._header
        self._headers[name.decode("latin-1").lower()] = bytes(value)
        self._header = (bytearray(), bytearray())

    def on_headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition", b""))
        self._part = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" not in options:
            return
        if self._part != self.file_field or self.path is not None:
            raise InvalidInputError(
                f"One file is taken, in the field `{self.file_field}`.", where={"field": self._part}
            )
        self.name = clean_name(options[b"filename"].decode("utf-8", "replace"))
        if not self.name:
            raise InvalidInputError("No file was chosen.", where={"field": self.file_field})
        # The fields stand before the file, so that a request that may not be is refused before its file is kept.
        self.check(self.fields)
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = (
            self.directory / f"{secrets.token_hex(16)}{''.join(PurePosixPath(self.name).suffixes[-2:])[:24]}"
        )
        self._out = os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._out is not None:
            chunk = data[start:end]
            self._out.write(chunk)
            self.digest.update(chunk)
            self.size += len(chunk)
            return
        self._value.extend(data[start:end])
        if len(self._value) > MAX_FIELD:
            raise InvalidInputError(f"The field `{self._part}` is too long.", where={"field": self._part})

    def on_part_end(self) -> None:
        if self._out is not None:
            self._out.close()
            self._out = None
            return
        if len(self.fields) >= MAX_FIELDS:
            raise InvalidInputError("The form has too many fields.")
        self.fields[self._part] = self._value.decode("utf-8", "replace")

    def on_end(self) -> None:
        self.complete = True

    def discard(self) -> None:
        if self._out is not None:
            self._out.close()
            self._out = None
        if self.path is not None:
            self.path.unlink(missing_ok=True)


async def receive_upload(
    request: Request,
    directory: Path,
    *,
    file_field: str = "file",
    check: Callable[[Mapping[str, str]], None] = lambda _: None,
) -> Upload:
    """Read a multipart request into a file below `directory`.

    `check` sees the fields that stand before the file and may refuse by raising. Nothing is left on disk when the
    request is refused, breaks off or has no file. Raises InvalidInputError for a body that is no such form.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise InvalidInputError("A file is sent as multipart/form-data.", where={"field": "content-type"})
    receiver = _Receiver(directory, file_field, check)
    callbacks = {
        name: getattr(receiver, name)
        for name in (
            "on_part_begin",
            "on_header_field",
            "on_header_value",
            "on_header_end",
            "on_headers_finished",
            "on_part_data",
            "on_part_end",
            "on_end",
        )
    }
    parser = MultipartParser(boundary, callbacks)  # type: ignore[arg-type]
    try:
        async for chunk in request.stream():
            # Writing is quick but not always: a full disk or a slow one must not hold up the other requests.
            await asyncio.to_thread(parser.write, chunk)
        parser.finalize()
        if not receiver.complete:
            raise InvalidInputError("The body ends before the form does.")
    except BaseException as error:
        await asyncio.to_thread(receiver.discard)
        raise _explained(error) from error
    if receiver.path is None or receiver.size == 0:
        receiver.discard()
        detail = "The file is empty." if receiver.path is not None else "No file was sent."
        raise InvalidInputError(detail, where={"field": file_field})
    return Upload(receiver.path, receiver.name, receiver.size, receiver.digest.hexdigest(), receiver.fields)


def clean_name(given: str) -> str:
    """The last part of a file name as a browser gives it, without control characters, cut to 255 characters."""
    name = given.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(char for char in name if char.isprintable()).strip()[-MAX_NAME:]


def _explained(error: BaseException) -> BaseException:
    if isinstance(error, MultipartParseError):
        return InvalidInputError(f"The body is not a whole form: {error}.")
    if isinstance(error, ClientDisconnect):
        return InvalidInputError("The upload broke off.")
    if isinstance(error, OSError):
        return UnavailableError(
            f"The file could not be stored: {error.strerror}.", hint="Free some disk space and try again."
        )
    return error
