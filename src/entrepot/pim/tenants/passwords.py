"""Passwords: what is accepted, how they are kept, and making one."""

import asyncio
import secrets
import unicodedata
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from entrepot.kit.errors import InvalidInputError

MIN_LENGTH = 12
MAX_LENGTH = 1024
MIN_DISTINCT = 5

# Argon2id with the least that OWASP's Password Storage Cheat Sheet accepts: 19 MiB, two passes, one lane. More memory
# would let a burst of sign-ins take the machine's.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# Bounds the hashes that are computed at once, and with them their memory.
_THREADS = ThreadPoolExecutor(max_workers=4, thread_name_prefix="argon2")
# The hash of a random password that nobody has: checking against it takes as long as checking a real one.
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$x7sk8mFDLPOued5plC0mcQ$QYF84IdbFnWutL3dHKQF0OGmWLVJms6BSCmUC7fw7DY"

# Without letters and digits that look alike in print.
_ALPHABET = "abcdefghjkmnpqrstuvwxyzACDEFGHJKLMNPQRTUVWXY2346789"
_COMMON = ("password", "passwort", "qwerty", "letmein", "welcome", "iloveyou", "123456", "abcdef", "entrepot")


def check_password(password: str, *, email: str = "", shop_domain: str = "") -> None:
    """Raise InvalidInputError, saying why, for a password that is too easy to guess."""
    problem = _problem(_normalized(password), email, shop_domain)
    if problem is not None:
        # The value is left out on purpose: it would end up in a terminal or a log.
        raise InvalidInputError(
            f"The password {problem}.",
            hint="A few unrelated words make a good one.",
            where={"field": "password"},
        )


def _problem(password: str, email: str, shop_domain: str) -> str | None:
    if len(password) < MIN_LENGTH:
        return f"has {len(password)} characters; it needs at least {MIN_LENGTH}"
    if len(password) > MAX_LENGTH:
        return f"has more than {MAX_LENGTH} characters"
    if len(set(password)) < MIN_DISTINCT:
        return "repeats too few characters"
    folded = password.casefold()
    rest = folded
    for word in (*_COMMON, *_personal_words(email, shop_domain)):
        rest = rest.replace(word, "")
    # What is left besides the words that everybody tries first has to be worth guessing by itself.
    if rest != folded and len(rest) < MIN_LENGTH // 2:
        return "is mostly a common word, the address or the shop's name"
    return None


def _personal_words(email: str, shop_domain: str) -> list[str]:
    local, _, domain = email.casefold().partition("@")
    words = {
        email.casefold(),
        local,
        domain.partition(".")[0],
        shop_domain.casefold(),
        shop_domain.casefold().partition(".")[0],
    }
    return sorted((word for word in words if len(word) >= 4), key=len, reverse=True)


def generate_password() -> str:
    """A random password of about 113 bits, in groups that can be read out: xxxxx-xxxxx-xxxxx-xxxxx."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))


async def hash_password(password: str) -> str:
    """The Argon2id hash to store, with its parameters in it."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _HASHER.hash, _normalized(password))


async def verify_password(stored: str | None, password: str) -> bool:
    """Whether the password is the one that was hashed. With nothing stored it takes as long and is always false."""
    if len(password) > MAX_LENGTH:
        return False
    loop = asyncio.get_running_loop()
    fits = await loop.run_in_executor(_THREADS, _verify, stored or _NOBODY, _normalized(password))
    return fits and stored is not None


def needs_rehash(stored: str) -> bool:
    """Whether the hash was made with other parameters than those in use now."""
    return _HASHER.check_needs_rehash(stored)


def _verify(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def _normalized(password: str) -> str:
    # The same password typed on another system may come in other code points (NIST SP 800-63B, 3.1.1.2).
    return unicodedata.normalize("NFKC", password)
