"""How the command line says what went wrong: one message on standard error, or one JSON object with `--json`."""

import os
import sys
import traceback
from collections.abc import Mapping
from typing import Any

from entrepot.kit.errors import EntrepotError, InvalidInputError, UnavailableError


def report_error(error: Exception, *, as_json: bool = False) -> int:
    """Print the error and return the exit code of its kind. Only a defect of the program shows a traceback."""
    if type(error).__name__ == "NoArgsIsHelpError":
        # Its message is the help text, which has been printed where rich does the printing.
        _write(error.format_message() + "\n" if str(error) else "")  # type: ignore[attr-defined]
        return 2
    known = as_entrepot_error(error)
    if known is None:
        traceback.print_exception(error)
        known = EntrepotError(
            f"{type(error).__name__}: {error}",
            hint="This is a defect of entrepot; please report it with the lines above.",
        )
    if as_json:
        from entrepot.kit.output import print_json

        print_json({"error": {**known.problem(), "exit_code": known.exit_code}})
    else:
        _write(describe(known, color=sys.stderr.isatty() and "NO_COLOR" not in os.environ))
    return known.exit_code


def as_entrepot_error(error: Exception) -> EntrepotError | None:
    """The error as one of the program's kinds; None when it is a defect."""
    if isinstance(error, EntrepotError):
        return error
    if hasattr(error, "format_message"):
        return _usage_error(error)
    if _is_lost_database(error):
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()
        return UnavailableError(
            f"The database does not answer: {reason[-1] if reason else type(error).__name__}",
            hint="`entrepot doctor` checks the connection.",
        )
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return UnavailableError(f"{place}{error.strerror}.")
    if type(error).__name__ == "ValidationError" and type(error).__module__.startswith("pydantic"):
        return _settings_error(error)
    return None


def describe(error: EntrepotError, *, color: bool = False) -> str:
    """The error for a person: what was wrong, where, and what to do, a line each."""
    red, dim, reset = ("\033[31;1m", "\033[2m", "\033[0m") if color else ("", "", "")
    lines = [f"{red}error:{reset} {error.detail}"]
    where = {name: value for name, value in error.where.items() if name != "problems"}
    problems = error.where.get("problems", ())
    if len(problems) > 1:
        lines += [f"  {_problem_line(problem)}" for problem in problems]
    elif where:
        lines.append(f"{dim}where:{reset} " + ", ".join(f"{name} {value}" for name, value in where.items()))
    if error.hint and len(problems) <= 1:  # each of several has said its own
        lines.append(f"{dim}hint:{reset}  {error.hint}")
    return "\n".join(lines) + "\n"


def _problem_line(problem: Mapping[str, Any]) -> str:
    """`promotions.yaml:12 prices[0].value: It is missing.`"""
    file, line, path = (problem.get(name) or "" for name in ("file", "line", "path"))
    place = " ".join(part for part in (f"{file}:{line}" if file else "", str(path)) if part)
    said = " ".join(str(part) for part in (problem.get("message"), problem.get("hint")) if part)
    return f"{place}: {said}" if place else said


def _usage_error(error: Any) -> InvalidInputError:
    context = getattr(error, "ctx", None)
    hint = f"`{context.command_path} --help` tells more." if context is not None else None
    return InvalidInputError(error.format_message(), hint=hint)


def _settings_error(error: Any) -> EntrepotError | None:
    # Only the settings are read from what a user wrote; any other model that fails to validate is a defect.
    if error.title != "Settings":
        return None
    problems = [
        f"ENTREPOT_{'_'.join(map(str, item['loc'])).upper()}: {item['msg']}" for item in error.errors()
    ]
    return InvalidInputError("The settings cannot be used. " + "; ".join(problems) + ".")


def _is_lost_database(error: Exception) -> bool:
    # By name: importing the libraries here would slow down every command that does not use them.
    return any(
        kind.__name__ in {"OperationalError", "InterfaceError"}
        and kind.__module__.partition(".")[0] in {"psycopg", "sqlalchemy"}
        for kind in type(error).__mro__
    )


def _write(text: str) -> None:
    sys.stdout.flush()
    sys.stderr.write(text)
    sys.stderr.flush()
