"""Only an edge opens a transaction; nothing below an edge commits or rolls back."""

import ast
from collections.abc import Iterator

from tests.house.source import Module, module, modules

EDGES = ("commands.py", "routes.py", "pages.py", "tasks.py")
#: Module or folder → why it may end a transaction.
ALLOWED: dict[str, str] = {
    "kit/db": "it makes the transactions",
}
ENDING = {"commit", "rollback"}


def test_nothing_below_an_edge_ends_a_transaction() -> None:
    found = [f"{one.name}:{line}" for one in modules() if not may_end(one) for line in endings(one)]
    assert not found, f"hand the session down, and let the edge commit: {found}"


def may_end(found: Module) -> bool:
    """Whether a module is an edge, or listed."""
    return found.file in EDGES or found.below(*ALLOWED)


def endings(found: Module) -> Iterator[int]:
    """The lines that commit or roll back."""
    for node in ast.walk(found.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ENDING:
            yield node.lineno


def test_an_ending_is_noticed() -> None:
    text = "async def pay(session):\n    await session.execute(x)\n    await session.commit()\n    await session.begin_nested()\n"
    assert list(endings(module("pim/orders/paying.py", text))) == [3]
    assert not may_end(module("pim/orders/paying.py", text))
    assert may_end(module("pim/orders/routes.py", text))
