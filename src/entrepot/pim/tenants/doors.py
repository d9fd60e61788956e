"""The people of the shops, for the contexts that have people of no shop's own: platforms and accounts."""

from collections.abc import Collection, Mapping
from uuid import UUID

from starlette.requests import Request

from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError, NotFoundError
from entrepot.kit.people import Person
from entrepot.pim.tenants import queries
from entrepot.pim.tenants.access import checked_form, identify, recognize, visit_of
from entrepot.pim.tenants.schemas import Identity


class StaffDoors:
    """Staff of shops, known by their tokens and sessions."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def identify(self, request: Request) -> Person:
        """Who calls the API."""
        known = await identify(request)
        return _person(known.identity)

    async def admit(self, request: Request) -> Person:
        """Who asks for a page."""
        signed_in = await recognize(request)
        request.state.signed_in = signed_in
        async with visit_of(request, signed_in):
            return _person(signed_in.identity)

    async def read_form(self, request: Request) -> Mapping[str, str]:
        """The text fields of a form of the person's own session."""
        return await checked_form(request, request.state.signed_in)

    async def find_user(self, email: str) -> UUID:
        """The person with an address; ConflictError where people of several shops share it."""
        async with self._db.system() as session:
            found = await queries.select_users_by_email(session, email)
        if not found:
            raise NotFoundError(
                f"There is nobody with the address {email}.",
                hint="Add them with `entrepot staff add EMAIL --shop DOMAIN`.",
            )
        if len(found) > 1:
            raise ConflictError(
                f"{len(found)} people have the address {email}: they work for "
                f"{', '.join(row['shopify_domain'] for row in found)}.",
                hint="Name the person by their id.",
            )
        user: UUID = found[0]["id"]
        return user

    async def name_users(self, users: Collection[UUID]) -> Mapping[UUID, str]:
        """The addresses of people, of whatever shop."""
        if not users:
            return {}
        async with self._db.system() as session:
            return await queries.select_emails(session, users)


def _person(identity: Identity) -> Person:
    # The scope "admin" of a token counts on a platform as well, where the role decides; administrators of a shop have
    # no more to say on a platform than its members of the same role.
    return Person(identity.user_id, identity.email, identity.scopes, administrator=identity.may("admin"))
