"""Rows on their way through COPY: whatever a cell holds comes out as it went in."""

from collections.abc import Iterator
from typing import Any

import orjson
import psycopg
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from entrepot.kit.db.server import EmbeddedServer
from entrepot.kit.settings import Settings
from entrepot.pim.bulk.parsed import collected
from entrepot.pim.bulk.parsing import Parser
from entrepot.pim.bulk.rows import COLUMNS, COPY_OPTIONS, Target

#: Text without what no database text can hold, and rich in what COPY, arrays and JSON give a meaning.
TEXT = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"])
    | st.sampled_from("\x1f\x1e\\\n\r\t\"'{},.N ١é\u2028"),
    max_size=30,
)


@pytest.fixture
def connection(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    """A session in which the staging tables stand as the importer makes them."""
    with psycopg.connect(EmbeddedServer(settings.home).url("postgres", settings.database_name)) as connection:
        for target, columns in COLUMNS.items():
            connection.execute(
                f"CREATE TEMPORARY TABLE intake_{target} AS SELECT {', '.join(columns)} FROM pim.staging_{target} WITH NO DATA"
            )
        yield connection


def through_copy(
    connection: psycopg.Connection[Any], target: Target, lines: list[bytes]
) -> list[dict[str, Any]]:
    """What the database holds after the lines were parsed and copied."""
    parser = Parser()
    rows = [row for number, line in enumerate(lines, start=1) for row in parser.parse(number, line)]
    assert parser.rejections == []
    connection.execute(f"TRUNCATE intake_{target}")
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY intake_{target} ({', '.join(COLUMNS[target])}) FROM STDIN {COPY_OPTIONS}") as copy,
    ):
        copy.write(collected(parser, rows).batches[target])
    return list(
        connection.cursor(row_factory=psycopg.rows.dict_row).execute(
            f"SELECT * FROM intake_{target} ORDER BY line_number"
        )
    )


def test_any_text_of_a_product(connection: psycopg.Connection[Any]) -> None:
    @limits(max_examples=150, deadline=None)
    @given(
        st.lists(st.tuples(TEXT, TEXT, st.lists(TEXT, max_size=3), st.none() | TEXT), min_size=1, max_size=5)
    )
    def check(products: list[tuple[str, str, list[str], str | None]]) -> None:
        lines = [
            orjson.dumps({
                "id": f"gid://shopify/Product/{number}", "title": f"x{title}", "description": description, "tags": tags,
                "vendor": vendor, "seo": {"title": title, "description": None}, "options": [{"name": title, "position": 1, "values": tags}],
            })
            for number, (title, description, tags, vendor) in enumerate(products)
        ]  # fmt: skip
        found = through_copy(connection, "products", lines)
        assert [
            (row["title"][1:], row["description"], row["tags"], row["vendor"]) for row in found
        ] == products
        assert [row["seo"] for row in found] == [
            {"title": title, "description": None} for title, *_ in products
        ]
        assert [row["options"][0]["values"] for row in found] == [tags for _, _, tags, _ in products]

    check()


def test_any_text_of_another_record(connection: psycopg.Connection[Any]) -> None:
    @limits(max_examples=150, deadline=None)
    @given(st.lists(TEXT, min_size=1, max_size=5))
    def check(texts: list[str]) -> None:
        lines = [
            orjson.dumps(
                {"id": f"gid://shopify/Customer/{number}", "note": text, "defaultAddress": {text: text}}
            )
            for number, text in enumerate(texts)
        ]
        found = through_copy(connection, "records", lines)
        assert [(row["data"]["note"], row["data"]["default_address"]) for row in found] == [
            (text, {text: text}) for text in texts
        ]

    check()


@pytest.mark.parametrize("escape", ["", "\\u0020"])
def test_words_that_mean_something_to_copy_or_to_an_array(
    connection: psycopg.Connection[Any], escape: str
) -> None:
    words = ["NULL", "null", "\\N", "\\.", "{}", "{a,b}", '"', "a,b", "\\", "\\\\", " ", "", "x"]
    lines = []
    for number, word in enumerate(words):
        quoted = orjson.dumps(word).decode()[:-1] + escape + '"'
        lines.append(
            f'{{"id":"gid://shopify/Product/{number}","title":"T","tags":[{quoted},"NULL"],"description":{quoted},"vendor":"\\\\"}}'.encode()
        )
    found = through_copy(connection, "products", lines)
    end = " " if escape else ""
    assert [row["tags"] for row in found] == [[word + end, "NULL"] for word in words]
    assert [row["description"] for row in found] == [word + end for word in words]
    assert {row["vendor"] for row in found} == {"\\"}


def test_a_parent_and_a_gid_that_hold_backslashes(connection: psycopg.Connection[Any]) -> None:
    for escape in ("", ',"title":"\\u001f"'):
        whole = '{"id":"gid://shopify/ProductVariant/a\\\\1","price":"1","__parentId":"gid://shopify/Product/b\\\\n\\n2"}'
        line = whole[:-1] + escape + "}"
        found = through_copy(connection, "variants", [line.encode()])
        assert found[0]["shopify_gid"] == "gid://shopify/ProductVariant/a\\1"
        assert found[0]["product_gid"] == "gid://shopify/Product/b\\n\n2"
