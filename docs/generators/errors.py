"""The kinds of error with their HTTP statuses and exit codes, from the classes."""

from entrepot.kit import errors
from entrepot.kit.errors import EntrepotError
from generators.markdown import code, table

INTRODUCTION = """# Errors and exit codes

Every error is of one of these kinds. On the command line it is a sentence on standard error, with the place and what
to do, and the exit code of its kind. With `--json` it is one object on standard output:
`{"error": {"type", "title", "status", "detail", "hint", "where", "exit_code"}}`. Over HTTP it is
`application/problem+json` (RFC 9457) with the same members, the HTTP status and the `trace_id` of the request.
"""

OTHERS = """
Besides these:

| exit code | meaning |
| --- | --- |
| `0` | Done. |
| `1` | Done, and there is something to look at: a difference (`db check`), something to mend (`doctor`), rejected rows (`shopify import`). |
| `130` | Ended by Ctrl-C. |
| `141` | Whoever read the output went away. |
| `143` | Ended by SIGTERM. |
"""


def render() -> str:
    """One row a kind."""
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, EntrepotError)
    ]
    rows = [
        (code(kind.kind), (kind.__doc__ or "").split("\n")[0], str(kind.status), code(str(kind.exit_code)))
        for kind in sorted(kinds, key=lambda kind: kind.exit_code)
        if kind is not EntrepotError
    ]
    bug = (
        code(EntrepotError.kind),
        "A defect of the program; the only kind that shows a traceback.",
        str(EntrepotError.status),
        code(str(EntrepotError.exit_code)),
    )
    return "\n".join([INTRODUCTION, *table(("kind", "meaning", "HTTP", "exit code"), [*rows, bug]), OTHERS])
