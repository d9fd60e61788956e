"""The command line, from its Typer apps."""

from enum import Enum
from typing import Any, Literal, get_args, get_origin
from uuid import UUID

from entrepot.cli.lazy import LazyGroup
from entrepot.cli.main import Entrepot
from generators.markdown import code, plain, table

INTRODUCTION = """# Command line

`entrepot <noun> <verb>`. In a checkout it is `./dev entrepot …`, which sets up the environment first. `--help` after any
command shows what this page shows.

With `--json` a command prints one JSON object on standard output and nothing else; an error is such an object too.
Notes and progress go to standard error. [Exit codes](errors.md) tell what kind of error it was.
"""

#: How a value of a type is named in a table.
TYPES: dict[Any, str] = {str: "text", int: "number", float: "number", UUID: "id"}


def render() -> str:
    """A section a noun, below it a verb each."""
    lines = [INTRODUCTION]
    for declared in Entrepot.lazy:
        lines += [f"## {declared.name}", "", plain(declared.help), ""]
        lines += _commands(("entrepot", declared.name), declared.load())
    return "\n".join(lines)


def _commands(path: tuple[str, ...], command: Any) -> list[str]:
    if isinstance(command, LazyGroup):
        children = {declared.name: declared.load() for declared in command.lazy}
    else:
        children = getattr(command, "commands", None)
    if children is None:
        return _command(path, command)
    return [line for name, child in children.items() for line in _commands((*path, name), child)]


def _command(path: tuple[str, ...], command: Any) -> list[str]:
    shown = [parameter for parameter in command.params if not getattr(parameter, "hidden", False)]
    arguments = [parameter for parameter in shown if _is_argument(parameter)]
    usage = " ".join(
        [*path, *(["[OPTIONS]"] if len(arguments) < len(shown) else []), *map(_placeholder, arguments)]
    )
    if command.context_settings.get("allow_extra_args"):
        usage += " …"
    lines = [f"### {' '.join(path)}", "", "```text", usage, "```", "", *_help(command.help or ""), ""]
    rows = [(_names(parameter), _meaning(parameter)) for parameter in shown if parameter.name != "help"]
    return [*lines, *(table(("", "meaning"), rows) if rows else [])]


def _help(text: str) -> list[str]:
    """A docstring; its lines that are commands are set as code."""
    lines: list[str] = []
    for line in plain(text).splitlines():
        stripped = line.strip().removeprefix("Example:").strip()
        if stripped.startswith(("entrepot ", "psql ")):
            lines += ["", "```sh", stripped, "```", ""]
        elif line.strip() not in ("Example:", "Examples:"):
            lines.append(line.strip())
    return lines


def _is_argument(parameter: Any) -> bool:
    return not parameter.opts[0].startswith("-")


def _placeholder(parameter: Any) -> str:
    name = (parameter.metavar or parameter.name.upper()).strip("[]").rstrip("…")
    name += "…" if parameter.nargs == -1 else ""
    return name if parameter.required else f"[{name}]"


def _names(parameter: Any) -> str:
    if _is_argument(parameter):
        return code(_placeholder(parameter))
    value = "" if parameter.is_flag else f" {parameter.metavar or _type(parameter)}"
    names = [*parameter.opts, *parameter.secondary_opts]
    return " / ".join(code(name + value) for name in names)


def _type(parameter: Any) -> str:
    annotation = parameter.type_descriptor.annotation
    for part in (annotation, *get_args(annotation)):
        if get_origin(part) is Literal:
            return "|".join(get_args(part))
        if isinstance(part, type) and issubclass(part, Enum):
            return "|".join(str(member.value) for member in part)
        if part in TYPES:
            return TYPES[part]
    return parameter.name.upper()


def _meaning(parameter: Any) -> str:
    meaning = plain(parameter.help or "")
    if parameter.multiple and not _is_argument(parameter):
        meaning += " May be given several times."
    if parameter.required and not _is_argument(parameter):
        meaning += " Required."
    default = parameter.default
    if isinstance(parameter.show_default, str):
        meaning += f" Default: {parameter.show_default}."
    elif default not in (None, False, True, (), []) and not callable(default):
        meaning += f" Default: {code(str(default))}."
    return meaning.strip()
