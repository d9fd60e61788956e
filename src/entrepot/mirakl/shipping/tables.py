"""Shipments, the steps of buying a label, labels, what carriers say of a parcel, packing."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import Base, Touch, created_at, key, one_of, table_args, timestamp, updated_at
from entrepot.mirakl.columns import ACCOUNT_LOG, ACCOUNT_ROWS, SCHEMA, account_id, account_reference, money
from entrepot.mirakl.values import PARCEL_STATES, SCAN_OUTCOMES


class Shipment(Base):
    """A parcel of an order, from the intent to buy its label to delivery."""

    __tablename__ = "shipments"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        ACCOUNT_ROWS,
        Touch(),
        one_of("state", *PARCEL_STATES),
        CheckConstraint("parcel_number > 0", name="parcel_number"),
        CheckConstraint(
            "(state IN ('bought', 'labelled', 'refund_requested')) <= (external_id IS NOT NULL)",
            name="bought",
        ),
        CheckConstraint("(state = 'labelled') <= (label_sha256 IS NOT NULL)", name="labelled"),
        account_reference("order_id", "orders", target_columns="order_id", ondelete="CASCADE"),
        UniqueConstraint("account_id", "shipment_id", name="uq_shipment_id"),
        # The guard against buying twice: one live parcel of a number an order (K6). One whose money was asked back is
        # live no more: its parcel is bought anew.
        Index(
            "uq_shipment_parcel",
            "account_id",
            "order_id",
            "parcel_number",
            unique=True,
            postgresql_where=text("state NOT IN ('void', 'refund_requested', 'refunded')"),
        ),
        UniqueConstraint("account_id", "carrier_reference", name="uq_shipment_reference"),
        UniqueConstraint("account_id", "tracking_pin", name="uq_shipment_tracking_pin"),
        Index("idx_shipment_order", "account_id", "order_id"),
        Index("idx_shipment_follow", "next_look_at", postgresql_where=text("next_look_at IS NOT NULL")),
    )

    shipment_id: Mapped[UUID] = key("Shipment")
    account_id: Mapped[UUID] = account_id()
    order_id: Mapped[str] = mapped_column(String(255), comment="Order that it belongs to")
    parcel_number: Mapped[int] = mapped_column(
        SmallInteger, server_default=text("1"), comment="1 for the first parcel"
    )
    state: Mapped[str] = mapped_column(
        String(20), server_default=text("'planned'"), comment="/".join(PARCEL_STATES)
    )
    carrier: Mapped[str] = mapped_column(String(40), comment="Which carrier: canada-post")
    service_code: Mapped[str] = mapped_column(String(20), comment="Service that is bought")
    carrier_reference: Mapped[str] = mapped_column(
        String(35),
        comment="Our reference on the label (customer-ref-1): by it an unknown outcome is looked up at the carrier",
    )
    weight_kg: Mapped[Decimal] = mapped_column(Numeric(8, 3), comment="Weight in kilograms")
    length_cm: Mapped[Decimal] = mapped_column(Numeric(6, 1), comment="Length in centimeters")
    width_cm: Mapped[Decimal] = mapped_column(Numeric(6, 1), comment="Width in centimeters")
    height_cm: Mapped[Decimal] = mapped_column(Numeric(6, 1), comment="Height in centimeters")
    destination: Mapped[dict[str, Any]] = mapped_column(
        JSONB, comment="Name and address that the label has to show"
    )
    intended_at: Mapped[datetime | None] = timestamp(
        "When buying was begun: written before the carrier is called"
    )
    external_id: Mapped[str | None] = mapped_column(
        String(64), comment="The carrier's identifier of the shipment"
    )
    tracking_pin: Mapped[str | None] = mapped_column(String(50), comment="Tracking number")
    links: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, comment="Links that the carrier gave: label, details, refund …"
    )
    price: Mapped[Decimal | None] = money("What the label cost", nullable=True)
    bought_at: Mapped[datetime | None] = timestamp("When the carrier said that it was bought")
    label_pdf_path: Mapped[str | None] = mapped_column(
        String(1024), comment="Where the label is kept, below the labels' directory"
    )
    label_sha256: Mapped[str | None] = mapped_column(
        String(64), comment="Checksum of the label's PDF, hexadecimal"
    )
    label_checked_at: Mapped[datetime | None] = timestamp(
        "When name, postal code and number on it were found right"
    )
    printed_at: Mapped[datetime | None] = timestamp("When it was first printed")
    prints: Mapped[int] = mapped_column(Integer, server_default=text("0"), comment="How often it was printed")
    packed_at: Mapped[datetime | None] = timestamp("When the packing station had everything in it")
    tracking_reported_at: Mapped[datetime | None] = timestamp(
        "When the marketplace took the tracking number (OR23)"
    )
    shipped_reported_at: Mapped[datetime | None] = timestamp("When the marketplace took the shipping (OR24)")
    service_ticket_id: Mapped[str | None] = mapped_column(
        String(64), comment="The carrier's ticket of a refund"
    )
    delivery_state: Mapped[str | None] = mapped_column(
        String(40), comment="What the carrier last said of the parcel"
    )
    expected_delivery: Mapped[datetime | None] = timestamp("When the carrier means to deliver")
    delivered_at: Mapped[datetime | None] = timestamp("When it was delivered")
    next_look_at: Mapped[datetime | None] = timestamp("When the carrier is asked next; null: nothing to ask")
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class ShipmentLine(Base):
    """What of an order is in a parcel."""

    __tablename__ = "shipment_lines"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        ACCOUNT_ROWS,
        CheckConstraint("quantity > 0", name="quantity"),
        account_reference("shipment_id", "shipments", target_columns="shipment_id", ondelete="CASCADE"),
        account_reference("order_line_id", "order_lines", target_columns="order_line_id", ondelete="CASCADE"),
    )

    account_id: Mapped[UUID] = account_id(primary_key=True)
    shipment_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, comment="Parcel")
    order_line_id: Mapped[str] = mapped_column(String(255), primary_key=True, comment="Line")
    quantity: Mapped[int] = mapped_column(Integer, comment="Units of it in the parcel")


class ShipmentEvent(Base):
    """What a carrier said of a parcel."""

    __tablename__ = "shipment_events"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        ACCOUNT_LOG,
        account_reference("shipment_id", "shipments", target_columns="shipment_id", ondelete="CASCADE"),
        UniqueConstraint(
            "account_id", "shipment_id", "event_identifier", "happened_at", name="uq_shipment_event"
        ),
    )

    id: Mapped[UUID] = key()
    account_id: Mapped[UUID] = account_id()
    shipment_id: Mapped[UUID] = mapped_column(Uuid, comment="Parcel")
    event_identifier: Mapped[str] = mapped_column(String(20), comment="The carrier's number of the event")
    description: Mapped[str | None] = mapped_column(Text, comment="In words")
    place: Mapped[str | None] = mapped_column(String(200), comment="Where")
    happened_at: Mapped[datetime] = timestamp("When", nullable=False)
    created_at: Mapped[datetime] = created_at("When we heard of it")


class PackingScan(Base):
    """A barcode read at the packing station."""

    __tablename__ = "packing_scans"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        ACCOUNT_LOG,
        one_of("outcome", *SCAN_OUTCOMES),
        account_reference("shipment_id", "shipments", target_columns="shipment_id", ondelete="CASCADE"),
        account_reference("component_id", "components", target_columns="component_id"),
        Index("idx_packing_scan", "account_id", "shipment_id", "scanned_at"),
    )

    id: Mapped[UUID] = key()
    account_id: Mapped[UUID] = account_id()
    shipment_id: Mapped[UUID] = mapped_column(Uuid, comment="Parcel that is packed")
    barcode: Mapped[str] = mapped_column(String(200), comment="What was read")
    outcome: Mapped[str] = mapped_column(String(20), comment="What it was")
    component_id: Mapped[UUID | None] = mapped_column(Uuid, comment="Component that it is")
    scanned_by: Mapped[UUID | None] = mapped_column(Uuid, comment="Who scanned (pim.staff_users)")
    scanned_at: Mapped[datetime] = timestamp("When", nullable=False, server_default=text("clock_timestamp()"))


class LabelFile(Base):
    """A label's PDF, kept with the data so that no file can be missing where the order is."""

    __tablename__ = "label_files"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        ACCOUNT_LOG,
        CheckConstraint("bytes = octet_length(pdf)", name="bytes"),
        account_reference("shipment_id", "shipments", target_columns="shipment_id", ondelete="CASCADE"),
    )

    account_id: Mapped[UUID] = account_id(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True, comment="Checksum, hexadecimal")
    shipment_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, comment="Parcel whose label it is")
    pdf: Mapped[bytes] = mapped_column(LargeBinary, comment="The file")
    bytes: Mapped[int] = mapped_column(Integer, comment="Its size")
    is_right: Mapped[bool] = mapped_column(
        Boolean, comment="Whether it shows the name, postal code and number it must"
    )
    created_at: Mapped[datetime] = created_at()
