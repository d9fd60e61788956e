"""Versions and states of rules: one mechanism for policies, experiments, prices and limits."""

from entrepot.marketplace.lifecycle.machine import Machine, Transition
from entrepot.marketplace.lifecycle.tables import Part, Versioned, guard, versioned_args

__all__ = ["Machine", "Part", "Transition", "Versioned", "guard", "versioned_args"]
