"""What a simulation finds when it begins: an account on the marketplace, its carrier, its stock."""

from collections.abc import Mapping
from uuid import UUID

from entrepot.kit.clock import now
from entrepot.kit.crypto import Keyring
from entrepot.kit.db import Database
from entrepot.mirakl.accounts.accounts import Account, Carrier, add_account, set_carrier
from entrepot.mirakl.conversations.automatic import save_template
from entrepot.mirakl.conversations.settings import set_reply_settings
from entrepot.mirakl.simulating import queries
from entrepot.mirakl.simulating.catalog import COMPONENTS, KITS, LISTINGS, VARIANTS

CARRIER = "canada-post"
#: Automatic replies at any hour: a simulation lasts some days, and some of them are Sundays.
REPLIES = {
    "enabled": True,
    "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
    "opens": "00:00",
    "closes": "23:59",
}
TEMPLATES = {
    1: "Hello {{customer.firstname}}, thank you for your message about {{order.id}}. We answer within a day.",
    2: "Hello {{customer.firstname}}, a technician is looking into {{order.id}} and writes to you directly.",
}
SENDER = {
    "name": "Robin Quay",
    "company": "Second Wind Laptops",
    "street_1": "1 Harbor Row",
    "city": "Halifax",
    "province": "NS",
    "postal_code": "B3J 1A1",
    "country": "CA",
    "phone": "+1 555 0100",
    "email": "parcels@example.com",
}


async def arrange(
    db: Database,
    *,
    code: str,
    marketplace: str,
    api_url: str,
    api_key: str,
    carrier_url: str,
    user: str,
    password: str,
    customer_number: str,
    stock: Mapping[str, int],
    currency: str = "CAD",
) -> Account:
    """An account with a carrier, components in stock, variants and listings."""
    keyring = Keyring.open(db.settings)
    async with db.system() as session:
        account = await add_account(
            session,
            keyring,
            code,
            marketplace=marketplace,
            api_url=api_url,
            api_key=api_key,
            currency=currency,
            time_zone="America/Halifax",
        )
        carrier = Carrier(
            account_id=account.account_id,
            carrier=CARRIER,
            api_url=carrier_url,
            customer_number=customer_number,
            contract_id=None,
            service_code="DOM.EP",
            marketplace_carrier_code="CPCL",
            sender=SENDER,
        )
        await set_carrier(session, keyring, carrier, user=user, password=password)
    await _fill(db, account.account_id, stock)
    async with db.tenant(account_id=account.account_id) as session:
        for number, body in TEMPLATES.items():
            await save_template(session, account.account_id, number, body)
        await set_reply_settings(session, account.account_id, REPLIES)
    return account


async def _fill(db: Database, account_id: UUID, stock: Mapping[str, int]) -> None:
    async with db.tenant(account_id=account_id) as session:
        ids = {
            name: await queries.insert_component(session, account_id, name, kind)
            for name, kind in {**COMPONENTS, **dict.fromkeys(KITS, "KIT")}.items()
        }
        for kit, parts in KITS.items():
            for part, quantity in parts.items():
                await queries.insert_part(session, account_id, ids[kit], ids[part], quantity)
        bases = {
            base: await queries.insert_base(session, account_id, base)
            for base in sorted({variant.base for variant in VARIANTS})
        }
        for variant in VARIANTS:
            bill = {ids[name]: quantity for name, quantity in variant.bill.items()}
            await queries.insert_variant(
                session, account_id, bases[variant.base], variant.sku, variant.weight_kg, bill
            )
        for listing, sku in LISTINGS.items():
            await queries.insert_listing(session, account_id, listing, sku)
        await queries.insert_receipt(session, account_id, stock, now())
