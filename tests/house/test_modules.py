"""Modules stay small, and what is public says what it does."""

import ast
from collections.abc import Iterator

from tests.house.source import Module, module, modules

LONGEST = 450
#: Module → why it may be longer.
LONGER: dict[str, str] = {
    "pim/bulk/shapes.py": "one table of fields a type of record; to be read side by side",
}


def test_no_module_is_too_long() -> None:
    long = [
        f"{one.name}: {one.lines} lines"
        for one in modules()
        if one.lines > LONGEST and one.name not in LONGER
    ]
    assert not long, f"find the second idea in it, and name it: {long}"


def test_no_exception_has_outlived_its_reason() -> None:
    lengths = {one.name: one.lines for one in modules()}
    assert [name for name in LONGER if lengths.get(name, 0) <= LONGEST] == []


def test_what_is_public_has_a_docstring() -> None:
    silent = [f"{one.name}:{line} {name}" for one in modules() for line, name in undocumented(one)]
    assert not silent, "\n".join(silent)


def undocumented(found: Module) -> Iterator[tuple[int, str]]:
    """Public functions, classes and methods without a docstring; the module itself, too."""
    if ast.get_docstring(found.tree) is None and found.tree.body:
        yield 1, "the module"
    yield from _undocumented(found.tree.body, "")


def _undocumented(body: list[ast.stmt], prefix: str) -> Iterator[tuple[int, str]]:
    for node in body:
        if not isinstance(
            node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        ) or node.name.startswith("_"):
            continue
        if ast.get_docstring(node) is None and not _explained_elsewhere(node):
            yield node.lineno, prefix + node.name
        if isinstance(node, ast.ClassDef):
            yield from _undocumented(node.body, f"{node.name}.")


def _explained_elsewhere(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """An overload, and a method that another one sets up as its setter."""
    names = {ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list}
    return bool(names & {"overload", "setter", "override"})


def test_a_silent_function_is_noticed() -> None:
    text = '"""A module."""\nclass A:\n    """A."""\n    def b(self): ...\n    def _c(self): ...\nasync def d(): ...\ndef _e(): ...\n'
    assert [name for _, name in undocumented(module("x.py", text))] == ["A.b", "d"]
