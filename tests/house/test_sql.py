"""SQL stands in queries.py and in the declarations, and never holds a tenant as text."""

import ast
import re
from collections.abc import Iterator

import pytest
from tests.house.source import Module, module, modules, texts

SPEAKS_SQL = re.compile(r"(^|_)queries\.py$|^tables\.py$|^views\.py$")
#: Module or folder → why it speaks SQL.
ALLOWED: dict[str, str] = {
    "api/health.py": "asks whether the database answers",
    "kit/db": "it makes the database",
    "kit/doctor/checks.py": "what it tells an administrator to type",
    "kit/jobs": "the queue's own statements, beside the code that they are part of",
    "pim/bulk/csv_products.py": "recognizes the rows of a CSV in the staging tables",
    "pim/bulk/importing.py": "the lock of a shop's import, on a connection of its own",
    "pim/bulk/outcomes.py": "counts what a merge has noted, a statement a type",
    "pim/bulk/staging.py": "statements put together from the shapes of the records",
    "pim/bulk/merging.py": "statements put together from the shapes of the records",
    "pim/bulk/links.py": "what ties the records of a merge, a statement each",
    "pim/bulk/snapshot.py": "statements put together from the tables that a snapshot speaks for",
    "pim/products/finding.py": "declares the function that finds products",
}
STATEMENT = re.compile(
    r"^\s*(SELECT\s|INSERT\s+INTO\s|UPDATE\s+\S+\s+(AS\s+\S+\s+)?SET\s|DELETE\s+FROM\s|MERGE\s+INTO\s|WITH\s+\S+\s+AS\s|"
    r"COPY\s|CREATE\s|ALTER\s|DROP\s|TRUNCATE\s|GRANT\s|REVOKE\s|LOCK\s+TABLE\s|NOTIFY\s|LISTEN\s|SET\s+LOCAL\s|VALUES\s*\()"
)
SQL_WORD = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|WHERE|MERGE|SET|VALUES)\b")
TENANT = re.compile(r"\b(shop|platform|account)(_?id)?\b", re.IGNORECASE)


def test_sql_stands_where_it_belongs() -> None:
    found = [
        f"{one.name}:{line}: {text}"
        for one in modules()
        if not may_speak(one)
        for line, text in statements(one)
    ]
    assert not found, "move it to the noun's queries.py:\n" + "\n".join(found)


def test_no_exception_has_outlived_its_reason() -> None:
    speaking = {one.name for one in modules() if any(statements(one))}
    assert [
        place
        for place in ALLOWED
        if not any(name == place or name.startswith(f"{place}/") for name in speaking)
    ] == []


def test_a_tenant_is_a_parameter_and_never_text() -> None:
    found = [f"{one.name}:{line}" for one in modules() for line in tenants_as_text(one)]
    assert not found, f"bind it: {found}"


def may_speak(found: Module) -> bool:
    """Whether SQL may stand in a module."""
    return bool(SPEAKS_SQL.search(found.file)) or found.below(*ALLOWED)


def statements(found: Module) -> Iterator[tuple[int, str]]:
    """The lines on which a statement begins, with its beginning."""
    for line, text in texts(found.tree):
        if STATEMENT.match(text):
            yield line, " ".join(text.split())[:60]


def tenants_as_text(found: Module) -> Iterator[int]:
    """The lines on which a tenant's id is put into SQL by an f-string, format(), % or +."""
    for node in ast.walk(found.tree):
        if isinstance(node, ast.JoinedStr):
            constant = "".join(
                part.value
                for part in node.values
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            )
            values = [ast.unparse(part.value) for part in node.values if isinstance(part, ast.FormattedValue)]
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "format"
            and isinstance(node.func.value, ast.Constant)
        ):
            constant = str(node.func.value.value)
            values = [
                ast.unparse(value) for value in [*node.args, *(keyword.value for keyword in node.keywords)]
            ]
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod | ast.Add):
            sides = [
                side
                for side in (node.left, node.right)
                if isinstance(side, ast.Constant) and isinstance(side.value, str)
            ]
            constant = "".join(str(side.value) for side in sides)
            values = [ast.unparse(side) for side in (node.left, node.right) if side not in sides]
        else:
            continue
        if SQL_WORD.search(constant) and any(TENANT.search(value) for value in values):
            yield node.lineno


@pytest.mark.parametrize(
    "line",
    [
        'text(f"SELECT 1 FROM pim.shops WHERE id = {shop_id}")',
        'text("SELECT 1 FROM pim.shops WHERE id = {}".format(context.shop_id))',
        'text("SELECT 1 FROM pim.shops WHERE id = %s" % shop.id)',
        'text("DELETE FROM pim.shops WHERE id = " + str(shop_id))',
    ],
)
def test_a_tenant_in_the_text_is_noticed(line: str) -> None:
    assert list(tenants_as_text(module("x.py", line))) == [1]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('x = text("SELECT 1")', 1),
        ('x = f"""\n    WITH gone AS (DELETE FROM {table}) SELECT 1"""', 1),
        ('x = "Select a file."', 0),
        ('x = "UPDATE"', 0),
        ('def f():\n    """SELECT nothing, it is a docstring."""', 0),
    ],
)
def test_a_statement_is_noticed(line: str, expected: int) -> None:
    assert len(list(statements(module("x.py", line)))) == expected
