"""How everything about prices is refused: the path of what is wrong, what is wrong with it, and what to do."""

from typing import NoReturn

from entrepot.kit.errors import InvalidInputError


def refuse(path: str, message: str, hint: str | None = None) -> NoReturn:
    """Raise InvalidInputError for what stands at a path, `lines[2].unit_price` for one."""
    raise InvalidInputError(f"{path}: {message}", hint=hint, where={"path": path})
