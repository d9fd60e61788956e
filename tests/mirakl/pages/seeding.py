"""An account with orders in every situation, stock, conversations, calls and failures, put there row by row."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.db import Database
from entrepot.mirakl.accounts.tables import Account, AccountMember, CarrierAccount
from entrepot.mirakl.conversations.tables import Conversation, Message
from entrepot.mirakl.failures.tables import ApiCall, ProcessFailure
from entrepot.mirakl.money.tables import TransactionLog
from entrepot.mirakl.orders.tables import Customer, Order, OrderLine, OrderStatusHistory
from entrepot.mirakl.scheduling.tables import AccountWork
from entrepot.mirakl.shipping.tables import LabelFile, Shipment, ShipmentEvent, ShipmentLine
from entrepot.mirakl.stock.tables import (
    BaseProduct,
    Component,
    ComponentMovement,
    ProductVariant,
    ShopSkuMap,
    VariantComponent,
)

NOW = datetime.now(UTC).replace(microsecond=0)
#: Made of a list of words; nobody is called so.
NAMES = (("Amber", "Millstone"), ("Rowan", "Larkspur"), ("Juniper", "Quayle"), ("Basil", "Thornfield"))
ADDRESS = {
    "firstname": "Amber",
    "lastname": "Millstone",
    "street_1": "12 Lantern Row",
    "city": "Exampleville",
    "state": "ON",
    "zip_code": "K1A 0B1",
    "country": "CA",
}


@dataclass
class Seeded:
    """What was put into an account, by the names that tests call it."""

    account_id: UUID
    code: str
    components: dict[str, UUID] = field(default_factory=dict)
    variants: dict[str, UUID] = field(default_factory=dict)
    shipments: dict[str, UUID] = field(default_factory=dict)
    conversations: dict[str, UUID] = field(default_factory=dict)
    failures: dict[str, UUID] = field(default_factory=dict)

    @property
    def base(self) -> str:
        """Where the account's pages begin."""
        return f"/mirakl/{self.code}"


async def add_account(
    db: Database, code: str, members: dict[UUID, str], *, carrier: str = "https://carrier.example"
) -> Seeded:
    """An account with its members and a carrier; no worker looks at it."""
    async with db.system() as session:
        row = await session.execute(
            insert(Account)
            .values(
                account_code=code,
                marketplace=f"Marketplace of {code}",
                api_url="https://marketplace.example/api",
                api_key=b"sealed",
                time_zone="America/Toronto",
                is_active=False,
                orders_updated_since=NOW - timedelta(minutes=4),
                threads_updated_since=NOW - timedelta(minutes=9),
            )
            .returning(Account.id)
        )
        account_id: UUID = row.scalar_one()
        for user_id, role in members.items():
            await session.execute(
                insert(AccountMember).values(account_id=account_id, user_id=user_id, role=role)
            )
        await session.execute(
            insert(CarrierAccount).values(
                account_id=account_id,
                carrier="canada-post",
                api_url=carrier,
                credentials=b"sealed",
                customer_number="0001234567",
                contract_id="0042000000",
                sender={"company": "Example Refurbishing", "city": "Exampleville", "country": "CA"},
            )
        )
    return Seeded(account_id, code)


async def fill(db: Database, seeded: Seeded) -> None:
    """Put something of everything into an account."""
    async with db.tenant(account_id=seeded.account_id) as session:
        await _stock(session, seeded)
        customers = [
            await _returned(
                session,
                insert(Customer)
                .values(
                    account_id=seeded.account_id,
                    mirakl_customer_id=f"customer-{number}",
                    firstname=first,
                    lastname=last,
                    email=f"{first.lower()}@example.org",
                )
                .returning(Customer.id),
            )
            for number, (first, last) in enumerate(NAMES)
        ]
        await _orders(session, seeded, customers)
        await _conversations(session, seeded, customers)
        await _failures(session, seeded)
        await _works(session, seeded)


async def add_order(
    session: AsyncSession,
    seeded: Seeded,
    order_id: str,
    state: str,
    steps: Sequence[str],
    *,
    customer: UUID | None = None,
    variant: str = "LAP-16-512",
    quantity: int = 1,
    accept_in: timedelta | None = None,
    ship_in: timedelta | None = None,
    age: timedelta = timedelta(hours=20),
) -> None:
    """An order with one line and the steps that it went through."""
    account_id = seeded.account_id
    await session.execute(
        insert(Order).values(
            account_id=account_id,
            order_id=order_id,
            commercial_id=order_id.rpartition("-")[0],
            customer_id=customer,
            mirakl_state=state,
            currency_code="CAD",
            total_price=Decimal("649.99") * quantity,
            shipping_price=Decimal(0),
            total_commission=Decimal("52.00") * quantity,
            shipping_address=ADDRESS if state != "WAITING_ACCEPTANCE" else None,
            order_created_at=NOW - age,
            order_updated_at=NOW - age,
            acceptance_deadline=NOW + accept_in if accept_in is not None else None,
            shipping_deadline=NOW + ship_in if ship_in is not None else None,
            raw_order_data={
                "order_id": order_id,
                "order_state": state,
                "created_date": (NOW - age).isoformat(),
                "currency_iso_code": "CAD",
                "order_lines": [
                    {
                        "order_line_id": f"{order_id}-1",
                        "quantity": quantity,
                        "price": str(Decimal("649.99") * quantity),
                        "commission_fee": str(52 * quantity),
                        "commission_taxes": [{"code": "VAT", "amount": "6.76"}],
                    }
                ],
            },
        )
    )
    await session.execute(
        insert(OrderLine).values(
            account_id=account_id,
            order_line_id=f"{order_id}-1",
            order_id=order_id,
            sku=f"SHOP-{variant}",
            product_title="Refurbished 14-inch laptop, 16 GB, 512 GB",
            variant_id=seeded.variants.get(variant),
            quantity=quantity,
            price=Decimal("649.99") * quantity,
            unit_price=Decimal("649.99"),
            line_state=state,
            raw_line_data={},
        )
    )
    actors = {"waiting_for_person": "rule", "accepted": "marketplace", "ready_to_ship": "marketplace"}
    for number, status in enumerate(steps, 1):
        await session.execute(
            insert(OrderStatusHistory).values(
                account_id=account_id,
                order_id=order_id,
                step=number,
                status=status,
                previous_status=steps[number - 2] if number > 1 else None,
                actor_type=actors.get(status, "worker"),
                actor={"rule": "stock", "marketplace": state}.get(actors.get(status, ""), "worker-1"),
                notes=f"because of {status.replace('_', ' ')}",
                timestamp=NOW - age + timedelta(minutes=number),
            )
        )


async def add_parcel(
    session: AsyncSession, seeded: Seeded, order_id: str, pin: str, pdf: bytes, **values: Any
) -> UUID:
    """A parcel of an order with its label."""
    shipment_id: UUID = await _returned(
        session,
        insert(Shipment)
        .values(
            {
                "account_id": seeded.account_id,
                "order_id": order_id,
                "state": "labelled",
                "carrier": "canada-post",
                "service_code": "DOM.EP",
                "carrier_reference": order_id,
                "weight_kg": Decimal("1.8"),
                "length_cm": 35,
                "width_cm": 25,
                "height_cm": 5,
                "destination": ADDRESS,
                "external_id": f"external-{pin}",
                "tracking_pin": pin,
                "links": {"label": "https://carrier.example/label"},
                "price": Decimal("14.20"),
                "intended_at": NOW - timedelta(hours=2),
                "bought_at": NOW - timedelta(hours=2),
                "label_sha256": sha256(pdf).hexdigest(),
                "label_pdf_path": f"{order_id}.pdf",
                "label_checked_at": NOW - timedelta(hours=2),
                **values,
            }
        )
        .returning(Shipment.shipment_id),
    )
    await session.execute(
        insert(ShipmentLine).values(
            account_id=seeded.account_id,
            shipment_id=shipment_id,
            order_line_id=f"{order_id}-1",
            quantity=1,
        )
    )
    await session.execute(
        insert(LabelFile).values(
            account_id=seeded.account_id,
            sha256=sha256(pdf).hexdigest(),
            shipment_id=shipment_id,
            pdf=pdf,
            bytes=len(pdf),
            is_right=True,
        )
    )
    seeded.shipments[order_id] = shipment_id
    return shipment_id


def label_pdf(pin: str) -> bytes:
    """A label as small as one can be."""
    from fpdf import FPDF

    page = FPDF(unit="mm", format=(102, 152))
    page.add_page()
    page.set_font("helvetica", size=12)
    page.text(10, 20, pin)
    return bytes(page.output())


async def _stock(session: AsyncSession, seeded: Seeded) -> None:
    account_id = seeded.account_id
    for name, kind, barcode, on_hand, reserved, point in (
        ("Bare laptop, 14-inch", "BASE", "BASE-14", 9, 3, 2),
        ("Memory 16 GB", "RAM", "RAM-16", 12, 3, 4),
        ("Disk 512 GB", "SSD", "SSD-512", 4, 3, 4),
        ("Charger 65 W", "CHARGER", "CHG-65", 0, 0, 5),
    ):
        seeded.components[barcode] = await _returned(
            session,
            insert(Component)
            .values(
                account_id=account_id,
                name=name,
                type=kind,
                barcode=barcode,
                reorder_point=point,
                reorder_quantity=10,
                unit_cost=Decimal("40"),
            )
            .returning(Component.component_id),
        )
        # The level follows the ledger.
        for movement, change in (
            ("receipt", {"on_hand_change": on_hand}),
            ("reservation", {"reserved_change": reserved}),
        ):
            if any(change.values()):
                await session.execute(
                    insert(ComponentMovement).values(
                        account_id=account_id,
                        component_id=seeded.components[barcode],
                        movement=movement,
                        dedupe_key="first",
                        reason="counted at the beginning",
                        **change,
                    )
                )
    base = await _returned(
        session,
        insert(BaseProduct)
        .values(account_id=account_id, model_name="Traveller 14", brand="Exemplar")
        .returning(BaseProduct.product_id),
    )
    seeded.variants["LAP-16-512"] = await _returned(
        session,
        insert(ProductVariant)
        .values(
            account_id=account_id,
            base_product_id=base,
            internal_sku="LAP-16-512",
            description="Traveller 14 with 16 GB and 512 GB",
            floor_price=Decimal("500"),
        )
        .returning(ProductVariant.variant_id),
    )
    for barcode in ("BASE-14", "RAM-16", "SSD-512"):
        await session.execute(
            insert(VariantComponent).values(
                account_id=account_id,
                variant_id=seeded.variants["LAP-16-512"],
                component_id=seeded.components[barcode],
                quantity=1,
            )
        )
    await session.execute(
        insert(ShopSkuMap).values(
            account_id=account_id,
            shop_sku="SHOP-LAP-16-512",
            variant_id=seeded.variants["LAP-16-512"],
            listing_title="Refurbished 14-inch laptop, 16 GB, 512 GB",
            pushed_quantity=1,
            pushed_at=NOW - timedelta(hours=1),
        )
    )


async def _orders(session: AsyncSession, seeded: Seeded, customers: Sequence[UUID]) -> None:
    amber, rowan, juniper, basil = customers
    until_ready = ("pending_acceptance", "accepting", "accepted", "ready_to_ship")
    await add_order(
        session,
        seeded,
        "ORD-1001-A",
        "WAITING_ACCEPTANCE",
        ("pending_acceptance", "waiting_for_person"),
        customer=amber,
        accept_in=-hours(3),
    )
    await add_order(
        session,
        seeded,
        "ORD-1002-A",
        "WAITING_ACCEPTANCE",
        ("pending_acceptance",),
        customer=rowan,
        quantity=2,
        accept_in=hours(2),
    )
    await add_order(
        session,
        seeded,
        "ORD-1003-A",
        "SHIPPING",
        (*until_ready, "label_created"),
        customer=juniper,
        ship_in=hours(5),
        age=hours(30),
    )
    await add_order(
        session,
        seeded,
        "ORD-1004-A",
        "SHIPPING",
        (*until_ready, "shipping_failed"),
        customer=basil,
        ship_in=-hours(26),
        age=hours(80),
    )
    await add_order(
        session,
        seeded,
        "ORD-1005-A",
        "SHIPPED",
        (*until_ready, "label_created", "tracking_sent", "shipped"),
        customer=amber,
        age=hours(100),
    )
    await add_order(session, seeded, "ORD-1006-A", "REFUSED", ("refused",), customer=rowan, age=hours(200))
    await add_order(
        session,
        seeded,
        "ORD-1007-A",
        "STAGING_REVIEW",
        ("pending_acceptance",),
        variant="NOTHING",
        age=hours(1),
    )
    await add_order(
        session,
        seeded,
        "ORD-1008-A",
        "SHIPPING",
        until_ready,
        customer=juniper,
        ship_in=hours(50),
        age=hours(10),
    )
    await add_parcel(session, seeded, "ORD-1003-A", "1234567890123456", label_pdf("1234567890123456"))
    sent = await add_parcel(
        session,
        seeded,
        "ORD-1005-A",
        "6543210987654321",
        label_pdf("6543210987654321"),
        packed_at=NOW - hours(50),
        printed_at=NOW - hours(51),
        prints=1,
        tracking_reported_at=NOW - hours(49),
        shipped_reported_at=NOW - hours(49),
        delivery_state="in_transit",
    )
    await session.execute(
        insert(ShipmentEvent).values(
            account_id=seeded.account_id,
            shipment_id=sent,
            event_identifier="0100",
            description="Item accepted at the post office",
            place="Exampleville",
            happened_at=NOW - hours(40),
        )
    )
    for number, (kind, amount) in enumerate(
        (("ORDER_AMOUNT", "649.99"), ("COMMISSION_FEE", "-52.00"), ("COMMISSION_VAT", "-6.76"))
    ):
        await session.execute(
            insert(TransactionLog).values(
                account_id=seeded.account_id,
                transaction_id=f"transaction-{number}",
                transaction_type=kind,
                order_id="ORD-1005-A",
                amount=Decimal(amount),
                currency_code="CAD",
                date_created=NOW - hours(30),
                last_updated=NOW - hours(30),
                raw_data={},
            )
        )


async def _conversations(session: AsyncSession, seeded: Seeded, customers: Sequence[UUID]) -> None:
    for name, order_id, body, status, due in (
        ("late", "ORD-1005-A", "Where is my parcel? It should have come on Tuesday.", "unread", -2),
        ("soon", "ORD-1003-A", "Does it come with a charger?", "unread", 3),
        ("done", None, "Thank you!", "read", None),
    ):
        seeded.conversations[name] = await _returned(
            session,
            insert(Conversation)
            .values(
                account_id=seeded.account_id,
                mirakl_thread_id=f"thread-{name}",
                customer_id=customers[0],
                order_id=order_id,
                subject="About my order",
                status=status,
                participants=[{"type": "CUSTOMER", "display_name": "Amber M."}],
                last_message_at=NOW - timedelta(hours=20),
                last_customer_message_at=NOW - timedelta(hours=20),
                answer_by=NOW + timedelta(hours=due) if due is not None else None,
            )
            .returning(Conversation.id),
        )
        await session.execute(
            insert(Message).values(
                account_id=seeded.account_id,
                conversation_id=seeded.conversations[name],
                mirakl_message_id=f"message-{name}",
                sender_type="customer",
                body=body,
                message_type="received",
                sending="received",
                sent_at=NOW - timedelta(hours=20),
            )
        )


async def _works(session: AsyncSession, seeded: Seeded) -> None:
    for work, values in (
        ("orders", {"last_at": NOW - timedelta(minutes=3)}),
        ("messages", {"failures": 2, "last_error": "The marketplace did not answer."}),
    ):
        await session.execute(
            insert(AccountWork).values(
                account_id=seeded.account_id, work=work, next_at=NOW + timedelta(minutes=2), **values
            )
        )


async def _failures(session: AsyncSession, seeded: Seeded) -> None:
    for name, process, related, order_id, kind, details, next_step in (
        (
            "label",
            "ShippingLabelCreation",
            "ORD-1004-A",
            "ORD-1004-A",
            "permanent",
            "Canada Post refused the shipment: the postal code K1A 0B1 is not in ON.",
            "Correct the address, then try again.",
        ),
        (
            "listing",
            "ListingReview",
            "SHOP-UNKNOWN",
            None,
            "decision",
            "The listing SHOP-UNKNOWN maps to no variant.",
            "Map it, or take it off the marketplace.",
        ),
    ):
        seeded.failures[name] = await _returned(
            session,
            insert(ProcessFailure)
            .values(
                account_id=seeded.account_id,
                process_name=process,
                related_id=related,
                order_id=order_id,
                kind=kind,
                details=details,
                next_step=next_step,
                payload={"related": related},
            )
            .returning(ProcessFailure.failure_id),
        )
    await session.execute(
        insert(ApiCall).values(
            account_id=seeded.account_id,
            service="CanadaPost",
            operation="CreateShipment",
            method="POST",
            endpoint="https://carrier.example/rs/0001234567/0001234567/shipment",
            related_id="ORD-1004-A",
            request_payload={"xml": "<shipment/>"},
            response_body="<messages><message><code>1703</code></message></messages>",
            response_bytes=57,
            status_code=400,
            is_success=False,
            outcome="permanent",
            duration_ms=184,
        )
    )


def hours(count: float) -> timedelta:
    """So many hours."""
    return timedelta(hours=count)


async def _returned(session: AsyncSession, statement: Any) -> UUID:
    found: UUID = (await session.execute(statement)).scalar_one()
    return found
