"""The carrier `own`: a person carries the parcel, or buys its label elsewhere, and types the tracking number in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

from entrepot.mirakl.shipping.carrier import Bought, Opening, Parcel, PersonNeededError, Tracking, carrier

NAME = "own"


class Own:
    """What the port asks, as far as it can be done without a carrier's program."""

    name = NAME
    gives_labels = False
    heaviest_kg = Decimal(1000)
    longest_cm = Decimal(1000)

    async def buy(self, parcel: Parcel) -> Bought:
        """Nothing is bought: raises PersonNeededError."""
        raise PersonNeededError("Send the parcel, then type its tracking number in.")

    async def find(self, reference: str) -> Bought | None:
        """Nothing was bought under any reference."""
        return None

    async def destination(self, bought: Bought) -> dict[str, str] | None:
        """Nobody but the person knows."""
        return None

    async def label(self, bought: Bought) -> bytes:
        """There is none: raises PersonNeededError."""
        raise PersonNeededError("The label was made elsewhere.")

    async def void(self, bought: Bought) -> None:
        """Nothing to take back."""

    async def refund(self, bought: Bought) -> str:
        """Nothing to ask back: raises PersonNeededError."""
        raise PersonNeededError("Ask the money back where the label was bought.")

    async def track(self, tracking_pin: str) -> Tracking | None:
        """Nobody can be asked; a person says when it was delivered."""
        return None


@carrier(NAME)
@asynccontextmanager
async def opened(opening: Opening) -> AsyncIterator[Own]:
    """Needs nothing."""
    yield Own()
