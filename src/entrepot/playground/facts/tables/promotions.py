"""Promotions of shops and their usages."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import Base, SystemRows, one_of, table_args
from entrepot.playground.columns import (
    HOURLY,
    MONTHLY,
    SCHEMA,
    event_time,
    extra_data,
    identifier,
    known_origin,
    moment,
    money,
    origin,
    partition_key,
    pointed_time,
    pointer,
    reference,
)
from entrepot.playground.values import APPLICABILITIES, PROMOTION_STATUSES, PROMOTION_TYPES


class ShopPromotion(Base):
    """A promotion of a shop."""

    __tablename__ = "shop_promotions"
    __table_args__ = table_args(
        SCHEMA,
        "Promotions of shops; event_time is the time of creation, it holds from valid_from to before valid_until",
        known_origin(),
        one_of("promotion_type", *PROMOTION_TYPES),
        one_of("status", *PROMOTION_STATUSES),
        one_of("applicability", *APPLICABILITIES),
        CheckConstraint("valid_from < valid_until", name="window"),
        CheckConstraint("discount_value >= 0", name="discount_value"),
        CheckConstraint("current_usage_count >= 0", name="current_usage_count"),
        UniqueConstraint("promo_code", "event_time", name="uq_shop_promotions_promo_code"),
        reference("shop", "shops"),
        Index("idx_shop_promotions_id", "id"),
        Index("idx_shop_promotions_shop", "shop_id", "valid_from"),
        SystemRows(),
        MONTHLY,
    )

    id: Mapped[UUID] = identifier("Promotion")
    event_time: Mapped[datetime] = event_time("When it was created")
    partition_key: Mapped[str] = partition_key()
    shop_id: Mapped[UUID] = pointer("Shop whose it is")
    shop_event_time: Mapped[datetime] = pointed_time("shop")
    name: Mapped[str] = mapped_column(String(255), comment="Name")
    description: Mapped[str | None] = mapped_column(Text, comment="What is promised")
    promotion_type: Mapped[str] = mapped_column(String(20), comment="/".join(PROMOTION_TYPES))
    status: Mapped[str] = mapped_column(String(20), comment="/".join(PROMOTION_STATUSES))
    discount_value: Mapped[Any] = money("Percent (20 is a fifth) or amount, by promotion_type")
    minimum_purchase_amount: Mapped[Any | None] = money("Subtotal from which it holds", nullable=True)
    maximum_discount_amount: Mapped[Any | None] = money("Most that an order gets", nullable=True)
    usage_limit_per_user: Mapped[int | None] = mapped_column(Integer, comment="Times a user may use it")
    usage_limit_total: Mapped[int | None] = mapped_column(Integer, comment="Times that it may be used in all")
    current_usage_count: Mapped[int] = mapped_column(
        Integer, server_default=text("0"), comment="Times that it was used"
    )
    valid_from: Mapped[datetime] = moment("First moment that it holds", nullable=False)
    valid_until: Mapped[datetime] = moment("First moment that it no longer holds", nullable=False)
    applicability: Mapped[str] = mapped_column(String(20), comment="/".join(APPLICABILITIES))
    applicable_product_ids: Mapped[list[UUID] | None] = mapped_column(
        ARRAY(Uuid), comment="Products that it holds for"
    )
    applicable_categories: Mapped[list[str] | None] = mapped_column(
        ARRAY(String), comment="Categories that it holds for"
    )
    promo_code: Mapped[str | None] = mapped_column(String(50), comment="Code to enter")
    requires_code: Mapped[bool] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether the code has to be entered"
    )
    terms_conditions: Mapped[str | None] = mapped_column(Text, comment="Small print")
    origin: Mapped[str] = origin()
    extra_data: Mapped[Any | None] = extra_data()


class ShopPromotionUsage(Base):
    """A promotion used in an order."""

    __tablename__ = "shop_promotion_usages"
    __table_args__ = table_args(
        SCHEMA,
        "Uses of promotions in orders",
        known_origin(),
        CheckConstraint("discount_amount >= 0", name="discount_amount"),
        reference("promotion", "shop_promotions"),
        reference("user", "users"),
        reference("order", "shop_orders"),
        reference("shop", "shops"),
        Index("idx_shop_promotion_usages_promotion", "promotion_id", "event_time"),
        Index("idx_shop_promotion_usages_user", "user_id", "event_time"),
        Index("idx_shop_promotion_usages_shop", "shop_id", "event_time"),
        SystemRows(),
        HOURLY,
    )

    id: Mapped[UUID] = identifier("Use of a promotion")
    event_time: Mapped[datetime] = event_time("When it was used: the time of the order")
    partition_key: Mapped[str] = partition_key()
    promotion_id: Mapped[UUID] = pointer("Promotion used")
    promotion_event_time: Mapped[datetime] = pointed_time("promotion")
    user_id: Mapped[UUID] = pointer("User who used it")
    user_event_time: Mapped[datetime] = pointed_time("user")
    order_id: Mapped[UUID] = pointer("Order that it was used in")
    order_event_time: Mapped[datetime] = pointed_time("order")
    shop_id: Mapped[UUID] = pointer("Shop whose promotion it is")
    shop_event_time: Mapped[datetime] = pointed_time("shop")
    discount_amount: Mapped[Any] = money("What it took off the order")
    promo_code_used: Mapped[str | None] = mapped_column(String(50), comment="Code that was entered")
    origin: Mapped[str] = origin()
    extra_data: Mapped[Any | None] = extra_data()
