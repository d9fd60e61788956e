"""Every `entrepot …` that a person is told to type is one that the program takes."""

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.docs.markdown import ROOT, blocks, command_lines, pages, spans
from typer.main import get_command

from entrepot.cli.main import app

SHELL = ("sh", "ini")


def parse(arguments: Sequence[str]) -> None:
    """Parse a command line as the program does, and run nothing."""
    command: Any = get_command(app)
    context = None
    name, rest = "entrepot", list(arguments)
    while True:
        try:
            context = command.make_context(name, rest, parent=context)
        except typer.Exit:  # --version and --help say what they have to say and end
            return
        if not hasattr(command, "commands"):
            return
        name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])


def fault(arguments: Sequence[str]) -> str | None:
    """What the program has against a command line."""
    try:
        parse(arguments)
    except Exception as error:
        return str(error.format_message()) if hasattr(error, "format_message") else str(error)
    return None


def mention_fault(words: Sequence[str]) -> str | None:
    """What is wrong with the nouns and verbs of a command that is mentioned; its arguments may be left out."""
    command: Any = get_command(app)
    for word in words:
        if not hasattr(command, "commands") or word.startswith(("-", "…", "[")) or word.isupper():
            return None
        try:
            # Where several are named at once, each has to be there.
            *others, word = word.split("|")
            for other in others:
                command.resolve_command(command.context_class(command), [other])
            command = command.resolve_command(command.context_class(command), [word])[1]
        except Exception as error:
            return str(error)
    return None


def shell_blocks() -> list[tuple[str, str]]:
    found = [
        (str(block), block.text) for page in pages() for block in blocks(page) if block.language in SHELL
    ]
    compose = ROOT / "compose.yaml"
    comments = [line.removeprefix("#") for line in compose.read_text().splitlines() if line.startswith("#")]
    return [*found, ("compose.yaml", "\n".join(line for line in comments if "docker compose" in line))]


@pytest.mark.parametrize(("where", "text"), [pytest.param(*block, id=block[0]) for block in shell_blocks()])
def test_a_command_line_is_one_that_the_program_takes(
    where: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in command_lines(text.replace("ExecStart=", "")):
        problem = fault(arguments)
        assert problem is None, f"{where}: entrepot {' '.join(arguments)}: {problem}"
    capsys.readouterr()


def mentions() -> list[tuple[str, str]]:
    """Commands in backticks: in pages, and in what the program says to its users."""
    found = [
        (str(page.relative_to(ROOT)), text)
        for page in pages()
        for text in spans(page.read_text(encoding="utf-8"))
    ]
    for source in sorted((ROOT / "src").rglob("*.py")):
        found += [(str(source.relative_to(ROOT)), text) for value in strings(source) for text in spans(value)]
    return sorted(set(found))


def strings(source: Path) -> list[str]:
    tree = ast.parse(source.read_text(encoding="utf-8"))
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def test_a_command_that_is_mentioned_is_there() -> None:
    wrong = [
        f"{where}: `{text}`: {problem}"
        for where, text in mentions()
        if (problem := mention_fault(text.replace("<noun> <verb>", "…").split()[1:]))
    ]
    assert not wrong, "\n".join(wrong)


def test_command_lines_are_found_by_whatever_name_they_are_called() -> None:
    text = """
    sudo /opt/entrepot/dev entrepot --version   # entrepot nothing
    zcat a.gz | entrepot shopify import - --shop x || test $? -eq 1
    ENTREPOT_HOME=/tmp/a ./dev entrepot shops \\
        list
    ls entrepot
    """
    assert list(command_lines(text)) == [
        ["--version"],
        ["shopify", "import", "-", "--shop", "x"],
        ["shops", "list"],
    ]


@pytest.mark.parametrize("line", ["shosp list", "shops lost", "shops list --josn", "shops add", "db restore"])
def test_a_wrong_command_line_is_noticed(line: str) -> None:
    assert fault(line.split())


@pytest.mark.parametrize("mention", ["shosp list", "shops lost", "db partitions keep", "shops lost|list"])
def test_a_wrong_mention_is_noticed(mention: str) -> None:
    assert mention_fault(mention.split())
