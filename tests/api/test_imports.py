"""Imports over HTTP: upload, server path, idempotency, progress, what was rejected."""

import asyncio
import csv
import gzip
import io
from pathlib import Path

import httpx
import orjson
import pytest
from fastapi import FastAPI
from tests.api.conftest import Person, jsonl, product_lines, upload, work

from entrepot.kit.db import Database
from entrepot.pim.bulk.routes import COLUMNS, guarded

IMPORTS = "/api/v1/imports"


def stored(tmp_path: Path) -> list[Path]:
    """What is kept of uploads."""
    return [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()]


async def test_an_upload_is_imported_and_its_copy_deleted(
    client: httpx.AsyncClient, person: Person, db: Database, tmp_path: Path
) -> None:
    response = await upload(client, person, gzip.compress(jsonl(product_lines(3))), "shop.jsonl.gz")
    assert response.status_code == 202
    waiting = response.json()
    assert (waiting["status"], waiting["message"], waiting["share"]) == (
        "pending",
        "Waiting for a worker",
        0.0,
    )
    assert len(stored(tmp_path)) == 1
    await work(db)
    run = (await client.get(response.headers["location"], headers=person.bearer)).json()
    assert run["status"] == "completed"
    assert run["file_name"] == "shop.jsonl.gz"
    assert (run["read"], run["applied"], run["unchanged"], run["rejected"]) == (6, 6, 0, 0)
    assert run["share"] == 1.0
    assert [step["status"] for step in run["steps"]] == ["completed"] * 3
    assert {row["type"]: row["inserted"] for row in run["by_type"]} == {"Product": 3, "ProductVariant": 3}
    assert stored(tmp_path) == []


async def test_the_very_same_file_does_nothing_unless_forced(
    client: httpx.AsyncClient, person: Person, db: Database, stocked: str
) -> None:
    content = jsonl(product_lines(5))
    again = await upload(client, person, content)
    assert again.status_code == 200
    assert again.json()["id"] == stocked
    forced = await client.post(
        IMPORTS, data={"force": "true"}, files={"file": ("again.jsonl", content)}, headers=person.bearer
    )
    assert forced.status_code == 202
    await work(db)
    run = (await client.get(forced.headers["location"], headers=person.bearer)).json()
    assert (run["read"], run["applied"], run["unchanged"]) == (10, 0, 10)


async def test_an_idempotency_key_begins_one_import(
    client: httpx.AsyncClient, person: Person, stranger: Person, tmp_path: Path
) -> None:
    key = {"idempotency-key": "nightly-1"}
    content = jsonl(product_lines(2))
    answers = await asyncio.gather(*(upload(client, person, content, **key) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 200, 202]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(stored(tmp_path)) == 1
    other = await upload(client, person, jsonl(product_lines(3)), **key)
    assert other.status_code == 409
    assert other.json()["where"]["import"] == answers[0].json()["id"]
    elsewhere = await upload(client, stranger, content, **key)
    assert elsewhere.status_code == 202
    assert len(stored(tmp_path)) == 2


async def test_rejected_lines_are_told_with_their_place_and_reason(
    client: httpx.AsyncClient, person: Person, db: Database
) -> None:
    lines = product_lines(3)
    lines[1]["price"] = "12,5"
    content = jsonl(lines) + b'{"id": "gid://shopify/Product/9", "title": "cut o\n'
    location = (await upload(client, person, content)).headers["location"]
    await work(db)
    run = (await client.get(location, headers=person.bearer)).json()
    assert run["read"] == run["applied"] + run["unchanged"] + run["rejected"]
    assert run["rejected"] == 2
    first, second = (await client.get(f"{location}/errors", headers=person.bearer)).json()["items"]
    assert (first["line_number"], first["field"], first["value"]) == (2, "price", "12,5")
    assert first["message"]
    assert (second["line_number"], second["error_type"]) == (7, "PARSE")
    page = (await client.get(f"{location}/errors?limit=1", headers=person.bearer)).json()
    following = await client.get(f"{location}/errors", params={"after": page["next"]}, headers=person.bearer)
    assert [item["line_number"] for item in following.json()["items"]] == [7]
    download = await client.get(f"{location}/errors.csv", headers=person.bearer)
    assert download.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(download.text)))
    assert tuple(rows[0]) == COLUMNS
    assert (rows[0]["line"], rows[0]["field"], rows[0]["value"]) == ("2", "price", "12,5")
    assert len(rows) == 2


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_a_cell_that_a_spreadsheet_would_compute_is_made_text(cell: str) -> None:
    assert guarded(cell) == "'" + cell
    assert guarded("12,5") == "12,5"


async def test_progress_comes_as_events_until_the_end(
    client: httpx.AsyncClient, person: Person, db: Database
) -> None:
    location = (await upload(client, person, jsonl(product_lines(3)))).headers["location"]
    watching = asyncio.create_task(client.get(f"{location}/events", headers=person.bearer))
    await asyncio.sleep(0)
    await work(db)
    response = await watching
    assert response.headers["content-type"].startswith("text/event-stream")
    events = [
        block.split("\n") for block in response.text.strip().split("\n\n") if block.startswith("event:")
    ]
    assert [name.removeprefix("event: ") for name, _ in events][-1] == "end"
    last = orjson.loads(events[-1][1].removeprefix("data: "))
    assert last["status"] == "completed"
    assert last == (await client.get(location, headers=person.bearer)).json()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", b"", "empty"),
        ("a.png", b"\x89PNG\r\n", "neither"),
        ("a.jsonl.gz", gzip.compress(jsonl(product_lines(200)))[:-20], "compressed"),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_and_not_kept(
    client: httpx.AsyncClient,
    person: Person,
    db: Database,
    tmp_path: Path,
    name: str,
    content: bytes,
    said: str,
) -> None:
    response = await upload(client, person, content, name)
    if response.status_code == 202:  # a cut file shows itself at its end only
        await work(db)
        run = (await client.get(response.headers["location"], headers=person.bearer)).json()
        assert run["status"] == "failed"
        assert said in run["error_message"]
        assert (await client.get("/api/v1/products", headers=person.bearer)).json()["items"] == []
    else:
        assert response.status_code == 422
        assert said in response.json()["detail"]
    assert stored(tmp_path) == []


async def test_a_form_without_a_file_or_cut_off_is_refused(
    client: httpx.AsyncClient, person: Person, tmp_path: Path
) -> None:
    kind = {"content-type": "multipart/form-data; boundary=xyz"}
    whole = (
        b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n{}\n\r\n--xyz--\r\n'
    )
    for body in (b"", b"--xyz--\r\n", whole[:-9], b"nonsense", whole.replace(b'"file"', b'"other"')):
        response = await client.post(IMPORTS, content=body, headers={**person.bearer, **kind})
        assert response.status_code == 422, body
    assert stored(tmp_path) == []


async def test_a_file_name_cannot_lead_out_of_its_directory(
    client: httpx.AsyncClient, person: Person, tmp_path: Path
) -> None:
    response = await upload(client, person, jsonl(product_lines(1)), "../../../etc/cron.d/x.jsonl")
    assert response.json()["file_name"] == "x.jsonl"
    (kept,) = stored(tmp_path)
    assert kept.parent == tmp_path / "uploads" / str(person.member.shop_id)
    assert kept.stat().st_mode & 0o077 == 0 or kept.parent.stat().st_mode & 0o077 == 0


async def test_an_administrator_may_name_a_file_on_the_server(
    client: httpx.AsyncClient, person: Person, admin: Person, db: Database, tmp_path: Path
) -> None:
    incoming = tmp_path / "incoming"
    incoming.mkdir()
    file = incoming / "nightly.jsonl"
    file.write_bytes(jsonl(product_lines(2)))
    assert (
        await client.post(IMPORTS, json={"path": "nightly.jsonl"}, headers=person.bearer)
    ).status_code == 403
    response = await client.post(IMPORTS, json={"path": "nightly.jsonl"}, headers=admin.bearer)
    assert response.status_code == 202
    await work(db)
    assert (await client.get(response.headers["location"], headers=admin.bearer)).json()["applied"] == 4
    assert file.exists()


async def test_no_path_leads_out_of_the_directory_of_imports(
    client: httpx.AsyncClient, admin: Person, tmp_path: Path
) -> None:
    (tmp_path / "incoming").mkdir()
    (tmp_path / "secret.jsonl").write_bytes(jsonl(product_lines(1)))
    (tmp_path / "incoming" / "link.jsonl").symlink_to(tmp_path / "secret.jsonl")
    for path in ("../secret.jsonl", "/etc/passwd", "link.jsonl", "a\0b"):
        response = await client.post(IMPORTS, json={"path": path}, headers=admin.bearer)
        assert response.status_code in (403, 422), path


async def test_without_a_directory_of_imports_no_path_is_taken(
    app: FastAPI, client: httpx.AsyncClient, admin: Person
) -> None:
    app.state.settings = app.state.settings.model_copy(update={"import_dir": None})
    response = await client.post(IMPORTS, json={"path": "x.jsonl"}, headers=admin.bearer)
    assert response.status_code == 403
    assert "ENTREPOT_IMPORT_DIR" in response.json()["hint"]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"path": 4}', b'{"path": "a", "more": 1}', b"{" * 20_000]
)
async def test_a_body_that_names_no_file_is_refused(
    client: httpx.AsyncClient, admin: Person, body: bytes
) -> None:
    response = await client.post(
        IMPORTS, content=body, headers={**admin.bearer, "content-type": "application/json"}
    )
    assert response.status_code == 422


async def test_imports_are_listed_by_status(client: httpx.AsyncClient, person: Person, stocked: str) -> None:
    completed = (await client.get(f"{IMPORTS}?status=completed", headers=person.bearer)).json()["items"]
    assert [run["id"] for run in completed] == [stocked]
    assert (await client.get(f"{IMPORTS}?status=failed", headers=person.bearer)).json()["items"] == []
