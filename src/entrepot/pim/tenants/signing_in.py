"""Signing in with a password."""

from entrepot.kit.clock import now
from entrepot.kit.db import Database
from entrepot.kit.errors import UnauthenticatedError
from entrepot.pim.tenants import queries, sessions, throttling
from entrepot.pim.tenants.passwords import hash_password, needs_rehash, verify_password
from entrepot.pim.tenants.schemas import IssuedSession, StaffMember
from entrepot.pim.tenants.staff import staff_member

#: What is said for an unknown shop, an unknown address and a wrong password alike, so that none can be found out.
REFUSED = "The shop, the address or the password is wrong."


async def authenticate(
    db: Database, shop: str, email: str, password: str, *, ip: str | None = None
) -> StaffMember:
    """The person whose address and password these are, in the shop of this domain.

    Opens its own transactions: nobody is known yet, and the attempt counts whatever becomes of it. Raises
    UnauthenticatedError when something is wrong, without telling what, and LimitedError after too many failures.
    """
    domain, address = shop.strip().lower(), email.strip().lower()
    async with db.system(ip=ip) as session:
        attempt_id = await throttling.begin_attempt(session, email=address, ip=ip)
        row = await queries.select_credentials(session, domain=domain, email=address)
    stored = row["password_hash"] if row is not None else None
    if not await verify_password(stored, password) or row is None:
        raise UnauthenticatedError(REFUSED)
    replacement = await hash_password(password) if needs_rehash(row["password_hash"]) else None
    async with db.system(user_id=row["id"], ip=ip) as session:
        await throttling.mark_success(session, attempt_id)
        await queries.touch_login(session, shop_id=row["shop_id"], user_id=row["id"], at=now())
        if replacement is not None:
            await queries.replace_hash(session, user_id=row["id"], old=row["password_hash"], new=replacement)
    return staff_member(row)


async def sign_in(
    db: Database,
    shop: str,
    email: str,
    password: str,
    *,
    ip: str | None = None,
    user_agent: str | None = None,
) -> tuple[StaffMember, IssuedSession]:
    """`authenticate`, then a session whose token goes into the cookie."""
    member = await authenticate(db, shop, email, password, ip=ip)
    async with db.tenant(
        shop_id=member.shop_id, user_id=member.user_id, ip=ip, user_agent=user_agent
    ) as session:
        issued = await sessions.start_session(
            session, member.shop_id, member.user_id, ip=ip, user_agent=user_agent
        )
    return member, issued
