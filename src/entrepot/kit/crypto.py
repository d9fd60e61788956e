"""The keyring: secrets at rest are sealed with AES-256-GCM under a versioned key; other keys are derived from it.

The keys live in `keyring.json` in the home, readable by its owner only, or in ENTREPOT_SECRET_KEY. Each sealed value
names the version of its key, so that keys can be rotated while the values are re-encrypted one by one. Keys are never
used as they are: HKDF-SHA-256 (RFC 5869) makes one for each purpose.
"""

import base64
import binascii
import fcntl
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from entrepot.kit.errors import ConflictError, InvalidInputError, UnavailableError
from entrepot.kit.settings import Settings, get_settings

KEY_BYTES = 32
IV_BYTES = 12
TAG_BYTES = 16
KEYRING_FILE = "keyring.json"

_SEALING = "seal"
_PASSWORDS = "database-role-passwords"


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted value as it is stored, with the version of the key that opens it."""

    ciphertext: bytes
    iv: bytes
    tag: bytes
    key_version: int

    def packed(self) -> bytes:
        """The four parts in one string of bytes, for a value that has a single column."""
        return self.key_version.to_bytes(4, "big") + self.iv + self.tag + self.ciphertext

    @classmethod
    def unpacked(cls, data: bytes) -> "Sealed":
        """The parts of what `packed` made."""
        if len(data) < 4 + IV_BYTES + TAG_BYTES:
            raise InvalidInputError(
                f"A sealed value has at least {4 + IV_BYTES + TAG_BYTES} bytes; this has {len(data)}."
            )
        iv_end, tag_end = 4 + IV_BYTES, 4 + IV_BYTES + TAG_BYTES
        return cls(data[tag_end:], data[4:iv_end], data[iv_end:tag_end], int.from_bytes(data[:4], "big"))


@dataclass(frozen=True)
class Keyring:
    """Master keys by version; the newest seals, all of them open."""

    keys: Mapping[int, bytes] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.keys:
            raise InvalidInputError("The keyring has no key.")
        for version, key in self.keys.items():
            if not 1 <= version < 2**31:
                raise InvalidInputError(f"Key version {version} is not a positive 32-bit number.")
            if len(key) != KEY_BYTES:
                raise InvalidInputError(f"Key {version} has {len(key)} bytes; a key has {KEY_BYTES}.")

    @classmethod
    def open(cls, settings: Settings | None = None) -> "Keyring":
        """The keyring of the installation; the first call on a new home makes it.

        Open it anew for each use instead of keeping it: another process may have added a key.
        """
        settings = settings or get_settings()
        if settings.secret_key is not None:
            return parse_keys(settings.secret_key.get_secret_value())
        path = keyring_path(settings)
        try:
            return _read(path)
        except FileNotFoundError:
            pass
        with _locked(path):
            if path.exists():
                return _read(path)
            made = cls({1: secrets.token_bytes(KEY_BYTES)})
            _write(path, made)
            return made

    @property
    def current(self) -> int:
        """The version that seals."""
        return max(self.keys)

    @property
    def versions(self) -> tuple[int, ...]:
        """Every version held, oldest first."""
        return tuple(sorted(self.keys))

    def subkey(self, purpose: str, version: int | None = None, *, length: int = KEY_BYTES) -> bytes:
        """The key for one purpose, of the current version unless another is named."""
        wanted = self.current if version is None else version
        if wanted not in self.keys:
            raise UnavailableError(
                f"Key version {wanted} is not in the keyring, which holds {', '.join(map(str, self.versions))}.",
                hint="Restore the keyring that sealed the value, from a backup of the home or the former ENTREPOT_SECRET_KEY.",
            )
        return HKDF(SHA256(), length, salt=None, info=f"entrepot/{purpose}".encode()).derive(
            self.keys[wanted]
        )

    def seal(self, plaintext: bytes, *, tenant: UUID | str, column: str) -> Sealed:
        """Encrypt a value for one column of one tenant; it opens nowhere else. `column` is "schema.table.column"."""
        iv = secrets.token_bytes(IV_BYTES)
        version = self.current
        sealed = AESGCM(self.subkey(_SEALING, version)).encrypt(
            iv, plaintext, _binding(tenant, column, version)
        )
        return Sealed(sealed[:-TAG_BYTES], iv, sealed[-TAG_BYTES:], version)

    def unseal(self, sealed: Sealed, *, tenant: UUID | str, column: str) -> bytes:
        """Decrypt a value; a changed value, another tenant or another column is refused."""
        cipher = AESGCM(self.subkey(_SEALING, sealed.key_version))
        try:
            return cipher.decrypt(
                sealed.iv, sealed.ciphertext + sealed.tag, _binding(tenant, column, sealed.key_version)
            )
        except (InvalidTag, ValueError) as error:
            raise UnavailableError(
                f"{column} of {tenant} does not open with key version {sealed.key_version}.",
                hint="The value was changed, belongs to another tenant, or was sealed with another keyring. "
                "`entrepot doctor` checks the keyring.",
                where={"tenant": str(tenant), "column": column},
            ) from error

    def reseal(self, sealed: Sealed, *, tenant: UUID | str, column: str) -> Sealed:
        """The same value under the current key."""
        return self.seal(self.unseal(sealed, tenant=tenant, column=column), tenant=tenant, column=column)

    def derive_password(self, role: str) -> str:
        """The password of a database role: 43 URL-safe characters.

        It comes from the oldest key, so that adding a version does not lock running processes out of the database.
        """
        key = self.subkey(_PASSWORDS, self.versions[0])
        return _text(hmac.digest(key, role.encode(), "sha256"))

    def with_new_key(self) -> "Keyring":
        """This keyring and one more version, which becomes the current one."""
        return Keyring({**self.keys, self.current + 1: secrets.token_bytes(KEY_BYTES)})


def _binding(tenant: UUID | str, column: str, version: int) -> bytes:
    # NUL cannot occur in the parts, so that no two of them run together into the same bytes.
    return "\0".join(("entrepot", str(tenant), column, str(version))).encode()


def keyring_path(settings: Settings) -> Path:
    """Where the keyring of a home is kept."""
    return settings.home / KEYRING_FILE


def add_key(settings: Settings | None = None, *, after: int | None = None) -> Keyring:
    """Add a version to the keyring file and return the keyring.

    With `after`, only when that is still the current version: two who rotate at once add one key, not two.
    """
    settings = settings or get_settings()
    if settings.secret_key is not None:
        raise ConflictError(
            "The key comes from ENTREPOT_SECRET_KEY, which this program cannot change.",
            hint='Put the new key before the old one, "2:NEW,1:OLD", and rotate again.',
        )
    held = Keyring.open(settings)
    path = keyring_path(settings)
    with _locked(path):
        held = _read(path)
        if after is not None and held.current != after:
            return held
        grown = held.with_new_key()
        _write(path, grown)
        return grown


def parse_keys(value: str) -> Keyring:
    """The keyring in ENTREPOT_SECRET_KEY: one key in base64, or several as "2:BASE64,1:BASE64"."""
    keys: dict[int, bytes] = {}
    for part in value.split(","):
        label, colon, encoded = part.strip().rpartition(":")
        if colon and not label.isdecimal():
            raise InvalidInputError(
                f"ENTREPOT_SECRET_KEY names a key version {label!r}; versions are numbers."
            )
        version = int(label) if colon else 1
        if version in keys:
            raise InvalidInputError(
                f"ENTREPOT_SECRET_KEY holds version {version} twice.",
                hint='Write several keys as "2:NEW,1:OLD".',
            )
        keys[version] = _key_bytes(encoded, f"key {version} of ENTREPOT_SECRET_KEY")
    return Keyring(keys)


def new_secret_key() -> str:
    """A random master key as ENTREPOT_SECRET_KEY takes it."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def new_token(prefix: str = "") -> str:
    """A random token of 256 bits in 43 URL-safe characters, after an optional prefix."""
    return prefix + secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """The SHA-256 of a token in hexadecimal: what is stored in its place. For random tokens only, never passwords."""
    return hashlib.sha256(token.encode()).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two secrets are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())


def _key_bytes(encoded: str, what: str) -> bytes:
    try:
        # Both alphabets of base64, padded or not: people copy keys out of different tools.
        text = encoded.strip().rstrip("=").replace("-", "+").replace("_", "/")
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInputError(
            f"The {what} is not base64.", hint="Make one with `openssl rand -base64 32`."
        ) from error
    if len(key) != KEY_BYTES:
        raise InvalidInputError(
            f"The {what} has {len(key)} bytes instead of {KEY_BYTES}.",
            hint="Make one with `openssl rand -base64 32`.",
        )
    return key


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _read(path: Path) -> Keyring:
    try:
        content = json.loads(path.read_bytes())
        keys = {
            int(version): _key_bytes(entry["key"], f"key {version} of {path}")
            for version, entry in content["keys"].items()
        }
    except PermissionError as error:
        raise UnavailableError(
            f"The keyring {path} cannot be read by this user.", hint="Run as the user who owns the home."
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnavailableError(
            f"The keyring {path} is damaged.",
            hint="Restore it from a backup; what it sealed cannot be opened without it.",
        ) from error
    return Keyring(keys)


def _write(path: Path, held: Keyring) -> None:
    """Replace the file in one step: a crash leaves the old keyring or the new one, never a part."""
    made_at = _made_at(path)
    stamp = datetime.now(UTC).isoformat(timespec="seconds")
    content = {
        "keys": {
            str(version): {"key": _text(key), "made_at": made_at.get(version, stamp)}
            for version, key in sorted(held.keys.items())
        }
    }
    partial = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(json.dumps(content, indent=2).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


def _made_at(path: Path) -> dict[int, str]:
    if not path.exists():
        return {}
    entries = json.loads(path.read_bytes())["keys"]
    return {int(version): entry["made_at"] for version, entry in entries.items() if "made_at" in entry}


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the keyring's lock; makes the home, for this user only, when it is not there."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise UnavailableError(
            f"The keyring cannot be written in {path.parent}: {error.strerror}.",
            hint="Name a directory of your own with ENTREPOT_HOME.",
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
