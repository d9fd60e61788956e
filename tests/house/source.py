"""The modules of the program as the linters read them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "entrepot"


@dataclass(frozen=True, eq=False)
class Module:
    """One module: its path below `entrepot`, its lines and its syntax tree."""

    name: str
    lines: int
    tree: ast.Module

    @property
    def file(self) -> str:
        """The name of the file."""
        return self.name.rpartition("/")[2]

    def below(self, *places: str) -> bool:
        """Whether it is one of these modules, or in one of these folders."""
        return any(self.name == place or self.name.startswith(f"{place}/") for place in places)


def module(name: str, text: str) -> Module:
    """A module from its text."""
    return Module(name, len(text.splitlines()), ast.parse(text))


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the program."""
    return tuple(
        module(path.relative_to(SOURCE).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted(SOURCE.rglob("*.py"))
    )


def docstrings(tree: ast.Module) -> set[int]:
    """The identities of the constants that are docstrings."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                found.add(id(first.value))
    return found


def texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and text of every string that is no docstring; of an f-string its constant parts, with gaps between."""
    skipped = docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else "…" for part in node.values]
            skipped.update(id(part) for part in node.values)
            yield node.lineno, "".join(str(part) for part in parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.lineno, node.value
