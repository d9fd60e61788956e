"""Files of definitions: what is wrong in them is told with file, line and path, all of it at once."""

from pathlib import Path
from typing import Any

import pytest
from tests.marketplace.berths import BERTHS, BerthDocument, BerthKind

from entrepot.kit.errors import InvalidInputError, NotFoundError
from entrepot.marketplace.rulebook.files import (
    Rulebook,
    find_files,
    read_document,
    read_files,
    read_texts,
    write_definitions,
    write_document,
)


class RopeKind(BerthKind):
    """A second kind, so that there is an order of kinds."""

    name, plural, title = "rope", "ropes", "Ropes"


ROPES = RopeKind()
KINDS = (BERTHS, ROPES)

GOOD = """\
# Berths of the north quay.
entrepot: 1

berths:
  - key: north-2
    depth: 9
    moorings:
      - key: ring
        ropes: [20, 30]
  - key: north-1
    depth: 7
"""


def read(*texts: str) -> Rulebook:
    """The definitions in texts."""
    return read_texts([(f"{name}.yaml", text) for name, text in zip("abcdef", texts, strict=False)], KINDS)


def faults(*texts: str) -> list[tuple[str, int, str, str]]:
    """File, line, path and message of everything that is wrong."""
    with pytest.raises(InvalidInputError) as refused:
        read(*texts)
    return [
        (one["file"], one["line"], one["path"], " ".join(filter(None, (one["message"], one["hint"]))))
        for one in refused.value.where["problems"]
    ]


def test_a_file_gives_its_definitions_with_their_places() -> None:
    found = read(GOOD)
    assert [(one.kind.plural, one.key, one.file, one.line) for one in found.definitions] == [
        ("berths", "north-2", "a.yaml", 5),
        ("berths", "north-1", "a.yaml", 10),
    ]
    assert isinstance(found.definitions[0].document, BerthDocument)
    assert found.definitions[0].document.moorings[0].ropes == (20, 30)
    assert found.spoken_of == (BERTHS,)


def test_several_files_are_one_rulebook() -> None:
    found = read(GOOD, "entrepot: 1\nropes: []\n", "entrepot: 1\nberths: [{key: south-1, depth: 5}]\n")
    assert [one.key for one in found.definitions] == ["north-2", "north-1", "south-1"]
    assert found.spoken_of == (BERTHS, ROPES)
    assert read().definitions == ()


def test_json_is_yaml() -> None:
    found = read('{"entrepot": 1, "berths": [{"key": "north-1", "depth": 7}]}')
    assert [one.key for one in found.definitions] == ["north-1"]


def test_everything_that_is_wrong_is_told_at_once_with_file_line_and_path() -> None:
    first = """\
entrepot: 1
berths:
  - key: north-1
    dept: 9
    depth: nine
    moorings:
      - key: ring
        ropes:
          - 20
          - thick
  - key: north-2
    depth: 0
  - depth: 4
  - north-3
"""
    second = "berth: []\nentrepot: 2\n"
    assert faults(first, second, "a: [\n") == [
        ("a.yaml", 5, "berths[0].depth", "It should be a valid integer, unable to parse string as an integer."),
        (
            "a.yaml",
            10,
            "berths[0].moorings[0].ropes[1]",
            "It should be a valid integer, unable to parse string as an integer.",
        ),
        ("a.yaml", 4, "berths[0].dept", "There is no field 'dept' here. Did you mean 'depth'?"),
        ("a.yaml", 12, "berths[1].depth", "A berth is deeper than nothing."),
        ("a.yaml", 13, "berths[2].key", "It is missing."),
        ("a.yaml", 14, "berths[3]", "A berth is an object with fields, not a text."),
        ("b.yaml", 2, "entrepot", "This program reads version 1 of the format, not 2."),
        ("b.yaml", 1, "berth", "'berth' is no kind of rules. Did you mean 'berths'?"),
        ("c.yaml", 2, "", "This cannot be read as YAML: while parsing a flow node, did not find expected node content."),
    ]  # fmt: skip


def test_the_error_itself_begins_with_the_place() -> None:
    with pytest.raises(InvalidInputError) as refused:
        read("entrepot: 1\nberths:\n  - key: a\n")
    assert str(refused.value) == "a.yaml:3 berths[0].depth: It is missing."
    assert {name: refused.value.where[name] for name in ("file", "line", "path")} == {
        "file": "a.yaml",
        "line": 3,
        "path": "berths[0].depth",
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("berths: []\n", (1, "", "The version of the format is missing. Begin it with `entrepot: 1`.")),
        (
            "entrepot: '1'\n",
            (1, "entrepot", "This program reads version 1 of the format, not '1'."),
        ),
        (
            "entrepot: true\n",
            (1, "entrepot", "This program reads version 1 of the format, not True."),
        ),
        (
            "- key: a\n",
            (1, "", "A file of rules begins with `entrepot: 1` and has lists of definitions by kind."),
        ),
        (
            "entrepot: 1\nberths:\n",
            (
                2,
                "berths",
                "'berths' is a list of definitions, each beginning with `- key: …`. For none, write [].",
            ),
        ),
        (
            "entrepot: 1\nberths: {a: {depth: 1}}\n",
            (2, "berths", "'berths' is a list of definitions, each beginning with `- key: …`."),
        ),
        (
            "entrepot: 1\nmystery: []\n",
            (2, "mystery", "'mystery' is no kind of rules. There are berths, ropes."),
        ),
        (
            "entrepot: 1\nberths: []\nberths: []\n",
            (3, "berths", "The key 'berths' stands twice, first in line 2."),
        ),
        ("# nothing\n", (1, "", "There is nothing in it.")),
    ],
)
def test_the_frame_of_a_file_is_strict(text: str, expected: tuple[int, str, str]) -> None:
    assert faults(text) == [("a.yaml", *expected)]


def test_a_definition_stands_once_in_all_files() -> None:
    other = "entrepot: 1\nberths:\n  - {key: north-1, depth: 8}\nropes:\n  - {key: north-1, depth: 8}\n"
    assert faults(GOOD, other) == [
        ("b.yaml", 3, "berths", "The berth 'north-1' stands twice, first in a.yaml:10.")
    ]


def test_directories_are_read_in_order_and_hidden_files_are_not(tmp_path: Path) -> None:
    for name in ("b.yml", "a.yaml", "sub/c.json", ".git/x.yaml", "sub/.hidden.yaml", "notes.md"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(GOOD)
    names = [str(path.relative_to(tmp_path)) for path in find_files([tmp_path, tmp_path / "a.yaml"])]
    assert names == ["a.yaml", "b.yml", "sub/c.json"]
    with pytest.raises(NotFoundError, match="There is no file"):
        read_files([tmp_path / "missing.yaml"], KINDS)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InvalidInputError, match="No file below"):
        read_files([empty], KINDS)


def test_a_file_that_is_no_text_says_where(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"entrepot: 1\nberths:\n  - key: \xff\n")
    with pytest.raises(InvalidInputError, match=r"a\.yaml:3: This is not UTF-8"):
        read_files([path], KINDS)
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode().replace(b"\n", b"\r\n"))  # as editors on Windows save it
    assert len(read_files([path], KINDS).definitions) == 2


def test_what_is_written_is_read_again_and_always_the_same() -> None:
    documents = [one.document for one in read(GOOD).definitions]
    text = write_definitions({BERTHS: documents, ROPES: []})
    assert text == (
        "entrepot: 1\n"
        "\n"
        "berths:\n"
        "  - key: north-1\n"
        "    depth: 7\n"
        "\n"
        "  - key: north-2\n"
        "    depth: 9\n"
        "    moorings:\n"
        "      - key: ring\n"
        "        ropes: [20, 30]\n"
        "\n"
        "ropes: []\n"
    )
    assert write_definitions({BERTHS: documents[::-1], ROPES: []}) == text
    again = read(text)
    assert {one.key: one.document for one in again.definitions} == {
        document.key: document for document in documents if isinstance(document, BerthDocument)
    }


def test_one_document_is_edited_with_lines() -> None:
    document, source = read_document(BERTHS, "key: north-1\ndepth: 7\nmoorings:\n  - key: ring\n")
    assert write_document(document) == "key: north-1\ndepth: 7\nmoorings:\n  - key: ring\n"
    assert source.line_of("moorings[0].key") == 4
    cases: list[tuple[str, list[dict[str, Any]]]] = [
        ("key: north-1\ndepth: 0\n", [{"line": 2, "path": "depth", "message": "A berth is deeper than nothing."}]),
        ("key: north-1\nkey: b\n", [{"line": 2, "path": "key", "message": "The key 'key' stands twice, first in line 1."}]),
        ("- 1\n", [{"line": 1, "path": "", "message": "A berth is an object with fields, not a list."}]),
    ]  # fmt: skip
    for text, expected in cases:
        with pytest.raises(InvalidInputError) as refused:
            read_document(BERTHS, text)
        assert [
            {name: problem[name] for name in ("line", "path", "message")}
            for problem in refused.value.where["problems"]
        ] == expected
