"""How an account ships: what its settings say under `shipping`, and what holds where they say nothing."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import InvalidInputError, NotFoundError
from entrepot.mirakl.accounts.accounts import Carrier, get_account, list_carriers
from entrepot.mirakl.accounts.queries import update_settings


class ShippingPreferences(BaseModel):
    """The settings `shipping` of an account."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    carrier: str | None = Field(
        None, description="Carrier whose labels are bought; the only one, or the first that gives labels."
    )
    pack_before_ship: bool = Field(
        False, description="Confirm the shipping only after the packing station had everything in the parcel."
    )
    no_movement_days: int = Field(
        5, ge=1, le=90, description="Days without an event after which a parcel is to be looked at."
    )
    look_hours: int = Field(6, ge=1, le=72, description="Hours between two looks at a parcel.")


def shipping_preferences(settings: Mapping[str, Any]) -> ShippingPreferences:
    """What an account's settings say of shipping; raises InvalidInputError with the place of what cannot be."""
    try:
        return ShippingPreferences.model_validate(settings.get("shipping") or {})
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(("shipping", *map(str, first["loc"])))
        raise InvalidInputError(
            f"The account's setting {path} cannot be used: {first['msg']}.", where={"path": path}
        ) from error


async def set_shipping_preferences(
    session: AsyncSession, account_id: UUID, changes: Mapping[str, Any]
) -> ShippingPreferences:
    """Change some of them; the others stay.

    Raises InvalidInputError with the place of what cannot be, NotFoundError for a carrier that is not set up.
    """
    held = shipping_preferences((await get_account(session, account_id)).settings)
    wanted = shipping_preferences({"shipping": {**held.model_dump(), **changes}})
    if wanted.carrier is not None:
        choose_carrier(wanted, await list_carriers(session, account_id))
    await update_settings(session, account_id, "shipping", orjson.dumps(wanted.model_dump()).decode())
    return wanted


def choose_carrier(preferences: ShippingPreferences, carriers: Sequence[Carrier]) -> Carrier:
    """The carrier whose labels are bought; raises NotFoundError where there is none."""
    if preferences.carrier is not None:
        found = next((one for one in carriers if one.carrier == preferences.carrier), None)
        if found is None:
            raise NotFoundError(
                f"The account ships with {preferences.carrier!r}, which is not set up.",
                hint="`entrepot mirakl carriers` sets it up.",
            )
        return found
    # `own` only where nothing else is set up: it asks a person for everything.
    found = min(carriers, key=lambda one: (one.carrier == "own", one.carrier), default=None)
    if found is None:
        raise NotFoundError(
            "No carrier is set up, so no label can be bought.",
            hint="`entrepot mirakl carriers` sets one up; `own` is for tracking numbers that you type in.",
        )
    return found
