"""Shops, their staff and how both sign in, and the settings of the installation."""

from datetime import datetime
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import CITEXT, INET, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import (
    Audit,
    Base,
    GlobalRows,
    SystemRows,
    TenantRows,
    Touch,
    created_at,
    key,
    one_of,
    secret,
    table_args,
    tenant_reference,
    timestamp,
    updated_at,
)
from entrepot.pim.columns import shop_id


class Shop(Base):
    """A Shopify shop that uses the program: the tenant that almost every other row belongs to."""

    __tablename__ = "shops"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(column="id"),
        Touch(),
        Audit(),
        one_of("plan_tier", "basic", "pro", "enterprise"),
        Index("idx_shops_domain", "shopify_domain", unique=True),
        Index("idx_shops_plan", "plan_tier"),
        Index(
            "idx_shops_shopify_id",
            "shopify_shop_id",
            unique=True,
            postgresql_where=text("shopify_shop_id IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = key("Identifier, and the tenant of every row that carries it as shop_id")
    shopify_domain: Mapped[str] = mapped_column(
        CITEXT, comment="Permanent domain, such as myshop.myshopify.com"
    )
    shopify_shop_id: Mapped[int | None] = mapped_column(
        BigInteger, comment="Shopify's numeric identifier of the shop"
    )
    plan_tier: Mapped[str] = mapped_column(
        String(20), server_default=text("'basic'"), comment="Plan that the shop pays for here"
    )
    api_version: Mapped[str | None] = mapped_column(
        String(20), server_default=text("'2025-10'"), comment="Version of the Shopify Admin API in use"
    )
    access_token_ciphertext: Mapped[bytes] = secret(
        LargeBinary, "Admin API token, encrypted with AES-256-GCM"
    )
    access_token_iv: Mapped[bytes] = secret(LargeBinary, "Initialization vector of the encrypted token")
    access_token_tag: Mapped[bytes] = secret(LargeBinary, "Authentication tag of the encrypted token")
    webhook_secret: Mapped[bytes | None] = secret(
        LargeBinary, "Key that signs this shop's webhooks (HMAC-SHA256)"
    )
    key_version: Mapped[int] = mapped_column(
        Integer, server_default=text("1"), comment="Version of the key that encrypted the token"
    )
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text), comment="OAuth scopes that the merchant granted")
    timezone: Mapped[str | None] = mapped_column(
        String(50), server_default=text("'Europe/Bucharest'"), comment="Time zone of the shop (IANA name)"
    )
    currency_code: Mapped[str | None] = mapped_column(
        String(3), server_default=text("'RON'"), comment="Currency of the shop (ISO 4217)"
    )
    settings: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, server_default=text("'{}'"), comment="What the shop has configured here"
    )
    installed_at: Mapped[datetime | None] = timestamp("When the shop was added", server_default=text("now()"))
    uninstalled_at: Mapped[datetime | None] = timestamp("When the merchant removed the app")
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class StaffUser(Base):
    """A person who works for a shop and may sign in."""

    __tablename__ = "staff_users"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(),
        Audit(),
        UniqueConstraint("shop_id", "id", name="uq_staff_users_tenant"),
        Index("idx_staff_shop_email", "shop_id", "email", unique=True),
    )

    id: Mapped[UUID] = key()
    shop_id: Mapped[UUID] = shop_id()
    email: Mapped[str] = mapped_column(CITEXT, comment="Address that the person signs in with")
    first_name: Mapped[str | None] = mapped_column(String(100), comment="Given name")
    last_name: Mapped[str | None] = mapped_column(String(100), comment="Family name")
    role: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB,
        server_default=text("'{\"admin\": false}'"),
        comment='What the person may do; {"admin": true} opens everything of the shop',
    )
    locale: Mapped[str | None] = mapped_column(
        String(10), server_default=text("'en'"), comment="Language of the console (BCP 47)"
    )
    last_login_at: Mapped[datetime | None] = timestamp("When the person last signed in")
    created_at: Mapped[datetime] = created_at()


class StaffCredential(Base):
    """The password of a staff user."""

    __tablename__ = "staff_credentials"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(),
        Touch(),
        Audit(),
        tenant_reference("staff_user_id", "pim.staff_users", ondelete="CASCADE"),
    )

    shop_id: Mapped[UUID] = shop_id()
    staff_user_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, comment="Whose password it is")
    password_hash: Mapped[str] = secret(Text, "Argon2 hash, with its parameters and salt")
    password_changed_at: Mapped[datetime] = timestamp(
        "When the password was set", server_default=text("now()")
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class ApiToken(Base):
    """A key to the HTTP API, kept as a hash."""

    __tablename__ = "api_tokens"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(),
        Audit(),
        tenant_reference("staff_user_id", "pim.staff_users", ondelete="CASCADE"),
        Index("idx_api_tokens_hash", "token_hash", unique=True),
        Index("idx_api_tokens_shop", "shop_id"),
    )

    id: Mapped[UUID] = key()
    shop_id: Mapped[UUID] = shop_id()
    staff_user_id: Mapped[UUID | None] = mapped_column(
        Uuid, comment="Who the token acts for; null for the shop itself"
    )
    name: Mapped[str] = mapped_column(String(100), comment="What the token is for, in its owner's words")
    prefix: Mapped[str] = mapped_column(String(20), comment="First characters of the token, to tell it apart")
    token_hash: Mapped[str] = secret(String(64), "SHA-256 of the token, in hexadecimal")
    scopes: Mapped[list[str]] = mapped_column(
        ARRAY(Text), server_default=text("'{}'"), comment="What the token may do"
    )
    last_used_at: Mapped[datetime | None] = timestamp("When the token was last accepted")
    expires_at: Mapped[datetime | None] = timestamp("When the token stops working; null for never")
    revoked_at: Mapped[datetime | None] = timestamp("When the token was withdrawn")
    created_at: Mapped[datetime] = created_at()


class LoginAttempt(Base):
    """An attempt to sign in, kept to slow down guessing."""

    __tablename__ = "login_attempts"
    __table_args__ = table_args(
        "pim",
        __doc__,
        SystemRows(),
        Index("idx_login_attempts_email", "email_digest", text("attempted_at DESC")),
        Index("idx_login_attempts_ip", "ip_address", text("attempted_at DESC")),
    )

    id: Mapped[UUID] = key()
    email_digest: Mapped[str] = mapped_column(
        String(64), comment="SHA-256 of the address that was tried, in lower case"
    )
    ip_address: Mapped[IPv4Address | IPv6Address | None] = mapped_column(
        INET, comment="Where the attempt came from"
    )
    succeeded: Mapped[bool] = mapped_column(Boolean, comment="Whether the password was right")
    attempted_at: Mapped[datetime] = timestamp("When it was tried", server_default=text("now()"))


class AppSession(Base):
    """A signed-in browser."""

    __tablename__ = "app_sessions"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(),
        Index("idx_sessions_shop", "shop_id"),
        Index("idx_sessions_expires", "expires_at"),
    )

    id: Mapped[str] = secret(
        String(255), "Identifier of the session, as the cookie's digest", primary_key=True
    )
    shop_id: Mapped[UUID] = shop_id()
    payload: Mapped[dict[str, Any]] = secret(JSONB, "What the session knows, such as the user's identifier")
    expires_at: Mapped[datetime] = timestamp("When the session ends by itself")
    created_at: Mapped[datetime] = created_at()


class OAuthState(Base):
    """An installation under way: what the answer from Shopify must carry (CSRF protection)."""

    __tablename__ = "oauth_states"
    __table_args__ = table_args(
        "pim",
        __doc__,
        SystemRows(),
        Index("idx_oauth_states_state", "state", unique=True),
        Index("idx_oauth_states_expires", "expires_at", postgresql_where=text("used_at IS NULL")),
    )

    id: Mapped[UUID] = key()
    state: Mapped[str] = secret(String(64), "Random value that has to come back unchanged")
    shop_domain: Mapped[str] = mapped_column(CITEXT, comment="Domain of the shop that is being installed")
    redirect_uri: Mapped[str] = mapped_column(Text, comment="Where the merchant goes afterwards")
    nonce: Mapped[str] = secret(String(64), "Second random value, tied to the browser")
    expires_at: Mapped[datetime] = timestamp("When the state can no longer be used, five to ten minutes on")
    used_at: Mapped[datetime | None] = timestamp("When the state was used; a state works once")
    created_at: Mapped[datetime] = created_at()


class OAuthNonce(Base):
    """A number used once, so that an answer from Shopify cannot be replayed."""

    __tablename__ = "oauth_nonces"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(shared_nulls=True),
        Index("idx_oauth_nonces_nonce", "nonce", unique=True),
        Index("idx_oauth_nonces_expires", "expires_at"),
    )

    id: Mapped[UUID] = key()
    nonce: Mapped[str] = secret(String(64), "Random value that is accepted once")
    shop_id: Mapped[UUID | None] = shop_id("Shop that it was issued for, when known", nullable=True)
    used_at: Mapped[datetime | None] = timestamp("When it was used")
    expires_at: Mapped[datetime] = timestamp("When it can no longer be used")
    created_at: Mapped[datetime] = created_at()


class KeyRotation(Base):
    """A change of the key that encrypts the shops' tokens."""

    __tablename__ = "key_rotations"
    __table_args__ = table_args(
        "pim",
        __doc__,
        SystemRows(),
        Audit(),
        one_of("status", "in_progress", "completed", "failed"),
        Index("idx_key_rotations_status", "status", postgresql_where=text("status = 'in_progress'")),
    )

    id: Mapped[UUID] = key()
    key_version_old: Mapped[int] = mapped_column(Integer, comment="Version of the key before")
    key_version_new: Mapped[int] = mapped_column(Integer, comment="Version of the key after")
    initiated_by: Mapped[UUID | None] = mapped_column(
        Uuid, ForeignKey("pim.staff_users.id", ondelete="SET NULL"), comment="Who started it"
    )
    status: Mapped[str] = mapped_column(
        String(20), server_default=text("'in_progress'"), comment="How far it is"
    )
    records_updated: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Number of secrets encrypted anew"
    )
    started_at: Mapped[datetime | None] = timestamp("When it started", server_default=text("now()"))
    completed_at: Mapped[datetime | None] = timestamp("When it ended")
    error_message: Mapped[str | None] = mapped_column(Text, comment="What went wrong, when it failed")


class FeatureFlag(Base):
    """A switch that turns a feature on for some shops or all."""

    __tablename__ = "feature_flags"
    __table_args__ = table_args(
        "pim",
        __doc__,
        GlobalRows(),
        Touch(),
        CheckConstraint("rollout_percentage >= 0 AND rollout_percentage <= 100", name="rollout_percentage"),
        Index("idx_feature_flags_key", "flag_key", unique=True),
        Index("idx_feature_flags_active", "is_active", postgresql_where=text("is_active = true")),
    )

    id: Mapped[UUID] = key()
    flag_key: Mapped[str] = mapped_column(String(100), comment="Name of the flag, such as bulk_v2")
    description: Mapped[str | None] = mapped_column(Text, comment="What the flag is for")
    default_value: Mapped[bool] = mapped_column(
        Boolean, server_default=text("false"), comment="Value where no rule says otherwise"
    )
    is_active: Mapped[bool] = mapped_column(
        Boolean, server_default=text("true"), comment="Off means that the flag is off for everybody"
    )
    rollout_percentage: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Share of shops that have the feature, in percent"
    )
    allowed_shop_ids: Mapped[list[UUID] | None] = mapped_column(
        ARRAY(Uuid), server_default=text("'{}'"), comment="Shops that always have the feature"
    )
    blocked_shop_ids: Mapped[list[UUID] | None] = mapped_column(
        ARRAY(Uuid), server_default=text("'{}'"), comment="Shops that never have the feature"
    )
    conditions: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, server_default=text("'{}'"), comment="Further conditions, in the rules language"
    )
    created_by: Mapped[UUID | None] = mapped_column(
        Uuid, ForeignKey("pim.staff_users.id", ondelete="SET NULL"), comment="Who made the flag"
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class SystemConfig(Base):
    """A setting of the whole installation."""

    __tablename__ = "system_config"
    __table_args__ = table_args(
        "pim",
        __doc__,
        SystemRows(),
        Touch(),
    )

    key: Mapped[str] = mapped_column(String(100), primary_key=True, comment="Name of the setting")
    value: Mapped[Any] = secret(JSONB, "Value of the setting")
    description: Mapped[str | None] = mapped_column(Text, comment="What the setting does")
    is_sensitive: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether pages hide the value"
    )
    updated_by: Mapped[UUID | None] = mapped_column(
        Uuid, ForeignKey("pim.staff_users.id", ondelete="SET NULL"), comment="Who last changed it"
    )
    updated_at: Mapped[datetime] = updated_at()
    created_at: Mapped[datetime] = created_at()


class MigrationHistory(Base):
    """A migration of this database that was tried."""

    __tablename__ = "migration_history"
    __table_args__ = table_args(
        "pim",
        __doc__,
        GlobalRows(),
        Index("idx_migration_name", "migration_name", unique=True),
        Index("idx_migration_applied", text("applied_at DESC")),
    )

    id: Mapped[UUID] = key()
    migration_name: Mapped[str] = mapped_column(String(255), comment="File name of the migration")
    checksum: Mapped[str] = mapped_column(String(64), comment="SHA-256 of the migration file")
    applied_at: Mapped[datetime | None] = timestamp("When it ran", server_default=text("now()"))
    applied_by: Mapped[str | None] = mapped_column(
        String(100), server_default=text("current_user"), comment="Role that ran it"
    )
    execution_time_ms: Mapped[int | None] = mapped_column(
        Integer, comment="How long it took, in milliseconds"
    )
    success: Mapped[bool] = mapped_column(
        Boolean, server_default=text("true"), comment="Whether it succeeded"
    )
    error_message: Mapped[str | None] = mapped_column(Text, comment="Error that stopped it")
