"""`entrepot rules`: check a condition, see why it holds or does not, and ask conditions in a pipe."""

import json as json_module
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.output import JsonOption, print_json, print_line
from entrepot.kit.rules.condition import compile_condition
from entrepot.kit.rules.lines import Evaluator, answer_lines
from entrepot.kit.rules.schema import Schema

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Check, explain and evaluate conditions of rules."
)
SchemaOption = Annotated[
    Path | None, typer.Option("--schema", help="File with the context schema, as JSON.", metavar="FILE")
]


@app.command()
def check(
    file: Annotated[str, typer.Argument(help="File with a condition as JSON; - for standard input.")],
    schema: SchemaOption = None,
    json: JsonOption = False,
) -> None:
    """Check a condition and say it in words."""
    source = _parse(_text(file), file)
    condition = compile_condition(source, _schema(schema))
    if json:
        print_json({"valid": True, "words": condition.words()})
    else:
        print_line(condition.words())


@app.command()
def explain(
    condition: Annotated[str, typer.Option(help="The condition as JSON, or @ and the name of a file.")],
    context: Annotated[str, typer.Option(help="The context as JSON, or @ and the name of a file.")],
    groups: Annotated[
        str | None, typer.Option(help="Groups and their values as JSON, or @ and the name of a file.")
    ] = None,
    schema: SchemaOption = None,
    json: JsonOption = False,
) -> None:
    """Show why a condition holds of a context, or why it does not."""
    declared = _schema(schema)
    compiled = compile_condition(_given(condition, "--condition"), declared)
    values = _given(context, "--context")
    if declared is not None:
        declared.check_context(values)
    known = None if groups is None else _given(groups, "--groups")
    if known is not None and not isinstance(known, dict):
        raise InvalidInputError("Groups are an object of lists.", where={"path": "groups"})
    explanation = compiled.explain(values, known)
    if json:
        found = {
            "match": explanation.matched,
            "words": compiled.words(),
            "explanation": explanation.as_dict(),
        }
        # It holds the user's own values, and among them may be integers that orjson does not write.
        print_line(json_module.dumps(found))
        return
    print_line("It matches." if explanation.matched else "It does not match.")
    for line in explanation.lines():
        print_line(line)


@app.command("eval")
def eval_lines() -> None:
    """Answer questions from standard input, one JSON object a line.

    Reads {"condition": …, "context": …, "groups": …} and prints {"match": true} or {"match": false}, or {"error": …}
    with the {"path": …} of what is wrong where it is known. There is one answer for each line, in their order; groups
    may be left out.
    """
    sys.stdout.flush()
    answer_lines(sys.stdin.buffer, sys.stdout.buffer, Evaluator().answer)


def _schema(file: Path | None) -> Schema | None:
    return None if file is None else Schema.parse(_parse(_text(str(file)), str(file)))


def _given(value: str, option: str) -> Any:
    """The JSON that an option holds, or that stands in the file which it names."""
    if value.startswith("@"):
        return _parse(_text(value[1:]), value[1:])
    return _parse(value, option)


def _text(name: str) -> str:
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            f"{_named(name)} is no UTF-8 text: {error.reason} at byte {error.start}.",
            where={"file": name},
        ) from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InvalidInputError(f"{name} cannot be read: {reason}.", where={"file": name}) from error


def _parse(text: str, place: str) -> Any:
    try:
        return json_module.loads(text, parse_constant=_refuse_constant)
    except json_module.JSONDecodeError as error:
        raise InvalidInputError(
            f"{_named(place)} is not JSON: {error.msg}.",
            hint="JSON has double quotation marks around texts and names.",
            where={"file": place, "line": error.lineno, "column": error.colno},
        ) from error
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InvalidInputError(f"{_named(place)} is not JSON: {reason}.", where={"file": place}) from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _named(place: str) -> str:
    return "Standard input" if place == "-" else place
