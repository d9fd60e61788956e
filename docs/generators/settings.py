"""The settings, from the fields of Settings."""

from pathlib import Path
from typing import Any, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from entrepot.kit.settings import Settings
from generators.markdown import code, table

INTRODUCTION = """# Settings

Every setting is an environment variable. An empty value counts as not set. A value that cannot be used is refused at
the start, by name. `entrepot doctor` tells what is wrong with an installation.

Variables marked *secret* are never written to a log.
"""


def render() -> str:
    """One row a variable."""
    rows = [_row(name, field) for name, field in Settings.model_fields.items()]
    return "\n".join([INTRODUCTION, *table(("variable", "meaning", "default"), rows)])


def _row(name: str, field: FieldInfo) -> tuple[str, str, str]:
    secret = SecretStr in (field.annotation, *get_args(field.annotation))
    meaning = f"{field.description or ''}{' *Secret.*' if secret else ''}"
    return code(f"ENTREPOT_{name.upper()}"), meaning, _default(field)


def _default(field: FieldInfo) -> str:
    default: Any = field.get_default(call_default_factory=True, validated_data={})
    if default in (None, PydanticUndefined):
        return ""
    if isinstance(default, Path):
        home = Path.home()
        return code(f"~/{default.relative_to(home)}" if default.is_relative_to(home) else str(default))
    return code(str(default))
