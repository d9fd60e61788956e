"""The pages of the documentation as the tests read them: their blocks of code, links, headings and command lines."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: The comment before a block that is run, and before one that runs on while the blocks after it are.
RUN = "<!-- run -->"
SERVE = "<!-- run in another terminal -->"

_FENCE = re.compile(r"^ *```(\S*)")
_SEPARATORS = {"|", "||", "&&", ";", "&", ">", ">>", "<"}
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
_VARIABLE = re.compile(r"^\$[A-Z_]+$")
#: Stands for what a variable of the shell holds where only the form of the command line is looked at.
SOME_ID = "0199f1c2-7a10-7c55-9d31-6a7be2c4c001"
_SPAN = re.compile(r"`(entrepot [^`]+)`")


@dataclass(frozen=True)
class Block:
    """One fenced block: where it begins, its language, what is in it, and whether it is run."""

    page: Path
    line: int
    language: str
    text: str
    runs: bool
    serves: bool = False

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Every page for people, those at the top of the repository included."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    lines = page.read_text(encoding="utf-8").splitlines()
    begun: int | None = None
    for number, line in enumerate(lines):
        fence = _FENCE.match(line)
        if fence is None:
            continue
        if begun is None:
            begun, language = number, fence[1]
            continue
        before = lines[begun - 1].strip() if begun > 0 else ""
        text = "\n".join(lines[begun + 1 : number]) + "\n"
        yield Block(page, begun + 1, language, text, before in (RUN, SERVE), before == SERVE)
        begun = None
    assert begun is None, f"{page}: the block of line {begun} has no end"


def prose(page: Path) -> str:
    """A page without its blocks."""
    kept: list[str] = []
    inside = False
    for line in page.read_text(encoding="utf-8").splitlines():
        if _FENCE.match(line):
            inside = not inside
        elif not inside:
            kept.append(line)
    return "\n".join(kept)


def links(page: Path) -> list[str]:
    """The targets of a page's links and pictures."""
    return [first or second for first, second in _LINK.findall(prose(page))]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings."""
    headings = re.findall(r"^#+ +(.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def spans(text: str) -> list[str]:
    """The command lines that stand in backticks in a text."""
    return _SPAN.findall(text)


def command_lines(text: str) -> Iterator[list[str]]:
    """The arguments of each call of `entrepot` in shell text, by whatever name it is called."""
    for line in text.replace("\\\n", " ").split("\n"):
        if "entrepot" not in line:
            continue
        # A command line that goes on to the next lines within quotes is closed here: what matters stands before.
        closed = line + '"' if line.count('"') % 2 else line
        lexer = shlex.shlex(closed, posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split = True
        lexer.commenters = "#"
        command: list[str] = []
        for word in [*lexer, ";"]:
            if word not in _SEPARATORS:
                command.append(_VARIABLE.sub(SOME_ID, word))
                continue
            arguments = _of_entrepot(command)
            if arguments is not None:
                yield arguments
            command = []


def _of_entrepot(command: list[str]) -> list[str] | None:
    while command and (command[0] in ("sudo", "exec") or re.fullmatch(r"[A-Z_]+=.*", command[0])):
        command = command[1:]
    if command[:1] == ["entrepot"]:
        return command[1:]
    if command[1:2] == ["entrepot"] and command[0].endswith("/dev"):
        return command[2:]
    if command[1:3] == ["-m", "entrepot"]:
        return command[3:]
    if command[:5] == ["docker", "compose", "run", "--rm", "serve"]:
        return command[5:]
    return None
