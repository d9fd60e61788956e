"""What is done for every account again and again: each noun registers its own.

@account_work("messages")
async def look_for_messages(services: Services, account: Account) -> None: ...
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot.mirakl.accounts.accounts import Account

if TYPE_CHECKING:
    from entrepot.mirakl.services import Services

WorkFunction = Callable[["Services", Account], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Work:
    """Something that is done for every active account; every `seconds`, or as often as the account is looked at."""

    name: str
    function: WorkFunction
    seconds: int | None = None

    def every(self, account: Account) -> int:
        """Seconds from one time to the next."""
        return self.seconds or account.poll_seconds


WORK: dict[str, Work] = {}


def account_work(name: str, *, seconds: int | None = None) -> Callable[[WorkFunction], WorkFunction]:
    """Register work; without `seconds` it is done as often as the account says (poll_seconds).

    It opens its own transactions, can be run twice with the effect of once, and raises where it could not be done: it
    is then done again after a pause that grows, and told in the inbox when it goes on failing.
    """

    def register(function: WorkFunction) -> WorkFunction:
        if name in WORK:
            raise ValueError(f"there is work {name!r} already")
        WORK[name] = Work(name, function, seconds)
        return function

    return register
