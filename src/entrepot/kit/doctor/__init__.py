"""What a newcomer can get wrong, looked at one by one, with how to mend it."""

from entrepot.kit.doctor.checks import Check, State
from entrepot.kit.doctor.examine import examine

__all__ = ["Check", "State", "examine"]
