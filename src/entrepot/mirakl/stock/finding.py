"""A component by its identifier, for addresses; people and files name it."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import NotFoundError
from entrepot.mirakl.stock.levels import Component, list_components


async def get_component(session: AsyncSession, account_id: UUID, component_id: UUID) -> Component:
    """The component of an identifier; raises NotFoundError."""
    components = await list_components(session, account_id)
    found = next((one for one in components if one.component_id == component_id), None)
    if found is None:
        raise NotFoundError(
            f"There is no component {component_id}.", where={"component_id": str(component_id)}
        )
    return found
