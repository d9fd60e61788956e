"""Columns that recur in the tables of the `pim` schema."""

from typing import Any

from sqlalchemy import ForeignKey, Uuid
from sqlalchemy.orm import MappedColumn, mapped_column


def shop_id(
    comment: str = "Tenant", *, nullable: bool = False, primary_key: bool = False
) -> MappedColumn[Any]:
    """The tenant column: the shop that a row belongs to."""
    return mapped_column(
        Uuid, ForeignKey("pim.shops.id"), nullable=nullable, primary_key=primary_key, comment=comment
    )
