"""Reviews and the votes on them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, Index, Integer, SmallInteger, String, UniqueConstraint, text
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
    origin,
    partition_key,
    pointed_time,
    pointer,
    reference,
)
from entrepot.playground.values import REVIEW_STATUSES, REVIEW_TYPES


class ShopReview(Base):
    """A review of a shop or a product."""

    __tablename__ = "shop_reviews"
    __table_args__ = table_args(
        SCHEMA,
        "Reviews of shops and products; event_time is the time of writing",
        known_origin(),
        one_of("review_type", *REVIEW_TYPES),
        one_of("status", *REVIEW_STATUSES),
        CheckConstraint("rating BETWEEN 1 AND 5", name="rating"),
        CheckConstraint("(review_type = 'product') = (product_id IS NOT NULL)", name="product"),
        CheckConstraint("helpful_votes >= 0 AND not_helpful_votes >= 0", name="votes"),
        reference("user", "users"),
        reference("shop", "shops"),
        reference("product", "shop_products"),
        reference("order", "shop_orders"),
        Index("idx_shop_reviews_id", "id"),
        Index("idx_shop_reviews_user", "user_id", "event_time"),
        Index("idx_shop_reviews_shop", "shop_id", "event_time"),
        Index("idx_shop_reviews_product", "product_id", "event_time"),
        SystemRows(),
        MONTHLY,
    )

    id: Mapped[UUID] = identifier("Review")
    event_time: Mapped[datetime] = event_time("When it was written")
    partition_key: Mapped[str] = partition_key()
    user_id: Mapped[UUID] = pointer("User who wrote it")
    user_event_time: Mapped[datetime] = pointed_time("user")
    shop_id: Mapped[UUID] = pointer("Shop reviewed, or whose product is")
    shop_event_time: Mapped[datetime] = pointed_time("shop")
    product_id: Mapped[UUID | None] = pointer("Product reviewed", nullable=True)
    product_event_time: Mapped[datetime | None] = pointed_time("product", nullable=True)
    order_id: Mapped[UUID | None] = pointer("Order that the opinion comes from", nullable=True)
    order_event_time: Mapped[datetime | None] = pointed_time("order", nullable=True)
    review_type: Mapped[str] = mapped_column(String(20), comment="/".join(REVIEW_TYPES))
    status: Mapped[str] = mapped_column(String(20), comment="/".join(REVIEW_STATUSES))
    rating: Mapped[int] = mapped_column(SmallInteger, comment="Stars, 1 to 5")
    title: Mapped[str | None] = mapped_column(String(255), comment="Headline")
    content: Mapped[str] = mapped_column(String(2000), comment="Text")
    helpful_votes: Mapped[int] = mapped_column(
        Integer, server_default=text("0"), comment="Votes that found it helpful"
    )
    not_helpful_votes: Mapped[int] = mapped_column(
        Integer, server_default=text("0"), comment="Votes that did not"
    )
    is_verified_purchase: Mapped[bool] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether the user bought it"
    )
    origin: Mapped[str] = origin()
    extra_data: Mapped[Any | None] = extra_data()


class ShopReviewVote(Base):
    """A vote on a review."""

    __tablename__ = "shop_review_votes"
    __table_args__ = table_args(
        SCHEMA,
        "Votes on reviews",
        known_origin(),
        UniqueConstraint("review_id", "user_id", "event_time", name="uq_shop_review_votes_user"),
        reference("review", "shop_reviews"),
        reference("user", "users"),
        reference("author", "users"),
        Index("idx_shop_review_votes_author", "author_id", "event_time"),
        SystemRows(),
        HOURLY,
    )

    id: Mapped[UUID] = identifier("Vote")
    event_time: Mapped[datetime] = event_time("When it was cast")
    partition_key: Mapped[str] = partition_key()
    review_id: Mapped[UUID] = pointer("Review voted on")
    review_event_time: Mapped[datetime] = pointed_time("review")
    user_id: Mapped[UUID] = pointer("User who voted")
    user_event_time: Mapped[datetime] = pointed_time("user")
    author_id: Mapped[UUID] = pointer("User who wrote the review")
    author_event_time: Mapped[datetime] = pointed_time("author")
    is_helpful: Mapped[bool] = mapped_column(Boolean, comment="Whether the review was found helpful")
    origin: Mapped[str] = origin()
    extra_data: Mapped[Any | None] = extra_data()
