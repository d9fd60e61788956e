"""Code made for a shape: from a record to the cells of its row.

Products and variants come by the hundred thousand with some 25 fields each, and nearly every value is one that its
converter gives back as it is. A function made for the shape looks at it in place and calls the converter only for the
others, so that a row costs a third less. What it gives and what it refuses is what the shape's readers say, field by field.
"""

from collections.abc import Callable
from typing import Any

import orjson

from entrepot.pim.bulk.fields import AS_IT_IS, FieldError, array_literal
from entrepot.pim.bulk.shapes import Field, Shape

Cells = Callable[[dict[str, Any], str], list[str]]


def json_text(value: Any, column: str | None = None) -> str:
    """A value as JSON. Raises FieldError for one that is nested too deeply to be written again."""
    try:
        return orjson.dumps(value).decode()
    except TypeError as error:  # orjson's recursion limit
        raise FieldError("TOO_DEEP", "is nested too deeply", None, column) from error


def cells_of(shape: Shape) -> Cells:
    """A function of a record and the word for null, which gives the cells in the order of the shape's columns.

    It raises FieldError for the first field that cannot be stored.
    """
    made = _Function([name for item in shape.fields for name in item.names])
    for number, column in enumerate(shape.columns):
        made.column(number, [item for item in shape.fields if item.column == column])
    return made.compiled(shape)


def refuse(error: FieldError, name: str) -> FieldError:
    """The error of a converter, with the field that it is about."""
    error.field = name
    return error


def not_an_object(value: Any, name: str) -> FieldError:
    """The error for a field that must have others below it."""
    return FieldError("WRONG_TYPE", "must be an object", value, name)


class _Function:
    def __init__(self, names: list[str]) -> None:
        #: What several columns come from is looked up once.
        self._shared = {name: f"g{place}" for place, name in enumerate(names) if names.count(name) > 1}
        self._lines = [f"    {local} = get({name!r})" for name, local in self._shared.items()]
        self._names: dict[str, Any] = {
            "FieldError": FieldError,
            "refuse": refuse,
            "not_an_object": not_an_object,
            "array_literal": array_literal,
            "json_text": json_text,
        }

    def column(self, number: int, fields: list[Field]) -> None:
        """The lines for one column: the first of its fields that is not null."""
        candidates = [(item, name) for item in fields for name in item.names]
        depth = 0
        for item, name in candidates:
            self._candidate(depth, number, item, name)
            if (item, name) != candidates[-1]:
                self._line(depth, f"if c{number} is null:")
                depth += 1

    def _candidate(self, depth: int, number: int, item: Field, name: str) -> None:
        self._line(depth, f"c{number} = null")
        self._line(depth, f"v = {self._shared.get(name) or f'get({name!r})'}")
        for step in item.path:
            self._line(depth, "if v is not None:")
            self._line(depth + 1, f"if type(v) is not dict: raise not_an_object(v, {name!r})")
            self._line(depth + 1, f"v = v.get({step!r})")
        self._line(depth, "if v is not None:")
        convert = self._name("convert", item.convert)
        taken = AS_IT_IS.get(item.convert)
        depth += 1
        if taken is not None:
            for name_in_test, value in taken.names:
                self._names[name_in_test] = value
            self._line(depth, f"if {taken.test}: c{number} = {taken.value}")
            self._line(depth, "else:")
            depth += 1
        self._line(depth, f"try: v = {convert}(v)")
        self._line(
            depth, f"except FieldError as error: raise refuse(error, {'.'.join((name, *item.path))!r})"
        )
        stored = {"scalar": "v", "array": "array_literal(v)", "json": f"json_text(v, {name!r})"}[item.kind]
        # A converter may find that there is nothing after all.
        self._line(depth, f"if v is not None: c{number} = {stored}")

    def _name(self, word: str, value: Any) -> str:
        name = f"{word}{len(self._names)}"
        self._names[name] = value
        return name

    def _line(self, depth: int, line: str) -> None:
        self._lines.append("    " * (depth + 1) + line)

    def compiled(self, shape: Shape) -> Cells:
        """The function."""
        cells = ", ".join(f"c{number}" for number in range(len(shape.columns)))
        source = "\n".join(
            ["def cells(record, null):", "    get = record.get", *self._lines, f"    return [{cells}]"]
        )
        exec(compile(source, f"<cells of {shape.type}>", "exec"), self._names)  # noqa: S102 - made of the shapes above alone
        made: Cells = self._names["cells"]
        return made
