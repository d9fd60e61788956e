"""Centralized policies in files, so that they can live in version control.

entrepot: 1
governance:
  commission:
    - policy_version: 2026.1-US-ARTISAN
      country_code: US
      …
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from entrepot.kit.errors import InvalidInputError, NotFoundError
from entrepot.marketplace.governance.checking import check_document, refuse
from entrepot.marketplace.governance.keeping import Governed
from entrepot.marketplace.governance.kinds import GOVERNED_KINDS, GovernedKind, kind_of
from entrepot.marketplace.governance.schemas import GovernedDocument

FORMAT = 1
Written = tuple[GovernedKind, GovernedDocument, str]


def read_file(file: Path) -> list[Written]:
    """The policies of a file with their paths in it, tests of policies last; see `read_text`."""
    return read_text(_text_of(file))


def read_object(file: Path, what: str) -> dict[str, Any]:
    """The object in a file (YAML or JSON); standard input is `-`. Raises InvalidInputError for what is none."""
    given = _parse(_text_of(file))
    if not isinstance(given, dict):
        raise InvalidInputError(f"{what}: it is an object.", where={"path": what})
    return given


def _text_of(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFoundError(f"There is no file {file}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{file} cannot be read: {error}.") from error


def _parse(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InvalidInputError(f"Line {line}: {error.problem}.", where={"line": line}) from error
    except yaml.YAMLError as error:
        raise InvalidInputError(f"This is no YAML: {error}.") from error


def read_text(text: str) -> list[Written]:
    """The policies of a text in YAML or JSON. Raises InvalidInputError with the path, or the line, of what is wrong."""
    given = _parse(text)
    if not isinstance(given, Mapping):
        raise InvalidInputError("A file of policies is an object.", where={"path": "$"})
    unknown = [name for name in given if name not in ("entrepot", "governance")]
    if unknown:
        refuse(str(unknown[0]), "a file of policies has `entrepot` and `governance` only.")
    if given.get("entrepot") != FORMAT:
        refuse(
            "entrepot",
            f"the format is {FORMAT}, not {given.get('entrepot')!r}.",
            f"Begin with `entrepot: {FORMAT}`.",
        )
    kinds = given.get("governance")
    if not isinstance(kinds, Mapping):
        refuse("governance", "it is an object of kinds.", f"The kinds are {', '.join(GOVERNED_KINDS)}.")
    found: list[Written] = []
    for name, documents in kinds.items():
        kind = kind_of(str(name))
        if not isinstance(documents, list):
            refuse(f"governance.{name}", "it is a list of policies.")
        for index, one in enumerate(documents):
            path = f"governance.{name}[{index}]"
            document = kind.document.parse(one, path)
            check_document(document, path)
            found.append((kind, document, path))
    # A test names trials, which may stand in the same file.
    return sorted(found, key=lambda one: one[0].name == "experiment")


def write_text(policies: Sequence[Governed]) -> str:
    """Policies as a file that `read_text` reads."""
    kinds: dict[str, list[dict[str, Any]]] = {}
    for policy in policies:
        kinds.setdefault(policy.kind, []).append(policy.document.as_plain())
    return yaml.safe_dump({"entrepot": FORMAT, "governance": kinds}, sort_keys=False, allow_unicode=True)
