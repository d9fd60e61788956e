"""The pages of the rules, as a browser without scripts gets them."""

import re
import shlex
from collections.abc import AsyncIterator
from html import unescape
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from tests.console.conftest import SignedIn
from tests.console.crew import (
    DOCUMENTS,
    POLICY,
    Crew,
    admit,
    draft_on,
    newest_on,
    publish_on,
    signed_in,
    stock,
)
from tests.docs.test_command_lines import fault

from entrepot.kit.db import Database
from entrepot.marketplace.rulebook.yaml_writing import write_yaml

OWN = ("policies/RETURN/what-if", "experiments/BUTTON/results", "limits/exports/usage")


@pytest.fixture
async def crew(
    app: FastAPI, db: Database, shop: UUID, other_shop: UUID, platform: UUID
) -> AsyncIterator[Crew]:
    """The members of the platform, signed in."""
    async with signed_in(app, db, platform, (shop, other_shop), "quayside") as found:
        yield found


@pytest.fixture
async def stocked_crew(app: FastAPI, db: Database, crew: Crew) -> Crew:
    """The same, with rules that have decided something."""
    await stock(db, app.state.engines, crew.platform)
    return crew


def text_of(response: httpx.Response) -> str:
    """The text of a page."""
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.text)))


def field_of(response: httpx.Response, name: str) -> str:
    """The value of a field of a form."""
    hidden = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', response.text)
    area = re.search(rf'<textarea id="{name}"[^>]*>\n?(.*?)</textarea>', response.text, re.DOTALL)
    found = hidden or area
    assert found is not None, name
    return unescape(found[1])


def links_of(response: httpx.Response) -> list[str]:
    """Where a page leads."""
    return [unescape(link) for link in re.findall(r'href="(/[^"]*)"', response.text)]


async def save(who: SignedIn, path: str, document: dict[str, Any] | str, **fields: str) -> httpx.Response:
    """Send the editor's form."""
    given = document if isinstance(document, str) else write_yaml(document)
    return await who.send(path, **{"document": given, "example": "days: 3", "do": "save", **fields})


async def test_pages_open_and_hold_nothing_that_the_policy_forbids(stocked_crew: Crew) -> None:
    crew, paths = stocked_crew, ["/platforms"]
    for plural, document in DOCUMENTS.items():
        place = f"{crew.base}/{plural}/{document['key']}"
        paths += [f"{crew.base}/{plural}", place, f"{place}/versions", f"{place}/decided"]
        paths += [f"{crew.base}/new/{plural}", f"{place}/edit"]
    paths += [crew.base, *(f"{crew.base}/{path}" for path in OWN)]
    for plural in ("policies", "prices"):
        page = await crew.ada.get(f"{crew.base}/{plural}/{DOCUMENTS[plural]['key']}/decided")
        paths.append(next(link for link in links_of(page) if "/decisions/" in link))
    paths += [f"{crew.base}/policies/RETURN/steps?step={step}&version=1" for step in ("suspend", "deprecate")]
    for path in paths:
        response = await crew.ada.get(path)
        if path == "/platforms":
            assert response.headers["location"] == crew.base
            continue
        assert response.status_code == 200, (path, text_of(response)[:400])
        assert response.headers["cache-control"] == "no-store", path
        assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=|javascript:", response.text), path
        assert len(re.findall(r"<h1[ >]", response.text)) == 1, path
        ids = re.findall(r'\sid="([^"]+)"', response.text)
        assert len(ids) == len(set(ids)), path
        named = set(re.findall(r'aria-(?:labelledby|describedby)="([^"]+)"', response.text))
        assert {one for names in named for one in names.split()} <= set(ids), path


async def test_only_members_see_the_way_and_the_platform(crew: Crew, mara: SignedIn) -> None:
    assert f'href="{crew.base}/policies"' in (await crew.vera.get(crew.base)).text
    assert 'href="/platforms"' in (await crew.vera.get("/")).text
    assert 'href="/platforms"' not in (await mara.get("/")).text
    nobody = await mara.get("/platforms")
    assert "entrepot platform member my-market mara@harbor.example --role editor" in text_of(nobody)
    for who in (mara, crew.sten):
        for path in (crew.base, f"{crew.base}/policies", f"{crew.base}/new/policies"):
            refused = await who.get(path)
            assert refused.status_code in (403, 404), path
            assert "Quayside" not in refused.text
        assert (await save(who, f"{crew.base}/new/policies", POLICY)).status_code in (403, 404)


async def test_somebody_of_two_platforms_chooses(
    crew: Crew, db: Database, other_platform: UUID, app: FastAPI, shop: UUID
) -> None:
    nils = await admit(
        app, db, shop, "nils@harbor.example", {crew.platform: "viewer", other_platform: "admin"}
    )
    page = await nils.get("/platforms")
    assert {"/platforms/quayside", "/platforms/breakwater"} <= set(links_of(page))
    assert "Another platform" in (await nils.get(crew.base)).text
    await nils.http.aclose()


async def test_whoever_is_not_signed_in_is_led_there_and_back(client: httpx.AsyncClient) -> None:
    response = await client.get("/platforms/quayside/policies?q=a", headers={"accept": "text/html"})
    assert response.headers["location"] == "/sign-in?next=%2Fplatforms%2Fquayside%2Fpolicies%3Fq%3Da"


async def test_an_empty_platform_says_what_to_do(crew: Crew) -> None:
    page = await crew.ada.get(crew.base)
    assert "entrepot rules apply rules.yaml --platform quayside" in text_of(page)
    assert {f"{crew.base}/new/{plural}" for plural in DOCUMENTS} <= set(links_of(page))
    for plural in DOCUMENTS:
        assert f"{crew.base}/new/{plural}" in links_of(await crew.ada.get(f"{crew.base}/{plural}"))
        assert f"{crew.base}/new/{plural}" not in links_of(await crew.vera.get(f"{crew.base}/{plural}"))


async def test_a_viewer_sees_no_buttons_and_is_refused(stocked_crew: Crew) -> None:
    crew = stocked_crew
    place = f"{crew.base}/policies/RETURN"
    for path in (crew.base, f"{crew.base}/policies", place, f"{place}/versions"):
        found = links_of(await crew.vera.get(path))
        assert not [link for link in found if "/steps" in link or "/new/" in link or link.endswith("/edit")]
    for path in (f"{place}/edit", f"{crew.base}/new/policies", f"{place}/steps?step=suspend&version=1"):
        assert (await crew.vera.get(path)).status_code == 403, path
    for path in (f"{place}/edit", f"{crew.base}/new/policies"):
        for wish in ("save", "check", "try"):
            assert (await save(crew.vera, path, POLICY, do=wish)).status_code == 403, (path, wish)
    refused = await crew.vera.send(f"{place}/steps", step="suspend", version="1", state="PUBLISHED")
    assert refused.status_code == 403
    assert "Published" in text_of(await crew.vera.get(place))


async def test_an_editor_writes_and_an_admin_publishes(db: Database, crew: Crew) -> None:
    saved = await save(crew.edda, f"{crew.base}/new/policies", POLICY)
    place = f"{crew.base}/policies/RETURN"
    assert saved.headers["location"] == f"{place}?version=1&done=saved"
    page = await crew.edda.get(saved.headers["location"])
    assert "The draft is saved" in page.text
    assert "edda@harbor.example" in page.text
    offered = {link for link in links_of(page) if "/steps" in link}
    assert f"{place}/steps?step=submit&version=1" in offered
    assert not any("step=publish" in link or "step=approve" in link for link in offered)
    for step in ("publish", "approve", "suspend"):
        refused = await crew.edda.send(f"{place}/steps", step=step, version="1", state="DRAFT")
        assert refused.status_code in (403, 409), step
    assert (await newest_on(db, crew.platform, "policies", "RETURN"))[:2] == (1, "DRAFT")
    await crew.edda.send(f"{place}/steps", step="submit", version="1", state="DRAFT", reason="please look")
    approved = await crew.ada.send(f"{place}/steps", step="approve", version="1", state="REVIEW")
    assert approved.headers["location"] == f"{place}?version=1&done=approve"
    await crew.ada.send(f"{place}/steps", step="publish", version="1", state="APPROVED", reason="for spring")
    history = text_of(await crew.vera.get(f"{place}/versions"))
    assert "please look" in history
    assert "for spring" in history
    assert "ada@harbor.example" in history


async def test_a_form_from_elsewhere_changes_nothing(db: Database, stocked_crew: Crew) -> None:
    place = f"{stocked_crew.base}/policies/RETURN"
    for path, fields in (
        (f"{place}/steps", {"step": "suspend", "version": "1"}),
        (f"{place}/edit", {"document": "key: RETURN", "do": "save"}),
        (f"{stocked_crew.base}/new/policies", {"document": "key: A", "do": "check"}),
    ):
        refused = await stocked_crew.ada.http.post(path, data={"csrf_token": "guess", **fields})
        assert refused.status_code == 403, path
    assert (await newest_on(db, stocked_crew.platform, "policies", "RETURN"))[:2] == (1, "PUBLISHED")


async def test_a_step_says_what_it_means_before_it_is_taken(db: Database, stocked_crew: Crew) -> None:
    crew, place = stocked_crew, f"{stocked_crew.base}/policies/RETURN"
    await draft_on(db, crew.platform, "policies", POLICY | {"default_effect": "ALLOW"})
    page = await crew.ada.get(f"{place}/steps?step=publish&version=2")
    said = text_of(page)
    assert "Version 1, which is published now, becomes deprecated." in said
    assert "submit, approve, publish" in said
    assert "default_effect is ALLOW" in said
    assert f"{place}/what-if?version=2" in links_of(page)
    assert (await newest_on(db, crew.platform, "policies", "RETURN"))[1] == "DRAFT"  # asking took no step
    done = await crew.ada.send(f"{place}/steps", step="publish", version="2", state="DRAFT")
    assert done.headers["location"] == f"{place}?version=2&done=publish"
    assert "Published. Every process" in (await crew.ada.get(done.headers["location"])).text
    for path in (f"{place}/steps?step=sink&version=2", f"{place}/steps?step=publish&version=1"):
        assert (await crew.ada.get(path)).status_code == 409, path
    assert (await crew.ada.get(f"{place}/steps?step=publish&version=9")).status_code == 404


async def test_a_step_from_a_page_that_is_out_of_date_is_told(db: Database, stocked_crew: Crew) -> None:
    crew, place = stocked_crew, f"{stocked_crew.base}/limits/exports"
    await crew.ada.send(f"{place}/steps", step="suspend", version="1", state="ACTIVE")
    late = await crew.ada.send(f"{place}/steps", step="suspend", version="1", state="ACTIVE", reason="me too")
    assert late.status_code == 409
    assert "Version 1 is in state SUSPENDED now." in text_of(late)
    assert "See how it stands" in late.text
    # Ending is possible from both states; the one who asks for it has seen the other.
    unseen = await crew.ada.send(f"{place}/steps", step="deprecate", version="1", state="ACTIVE")
    assert unseen.status_code == 409
    assert (await newest_on(db, crew.platform, "limits", "exports"))[1] == "SUSPENDED"
    page = await crew.vera.get(crew.base)
    assert "Suspended" in text_of(page)
    resumed = await crew.ada.send(f"{place}/steps", step="resume", version="1", state="SUSPENDED")
    assert resumed.headers["location"].endswith("done=resume")


async def test_rolling_back_and_discarding(db: Database, stocked_crew: Crew) -> None:
    crew, place = stocked_crew, f"{stocked_crew.base}/prices/SALE"
    await publish_on(db, crew.platform, "prices", DOCUMENTS["prices"] | {"priority": 7})
    page = await crew.ada.get(f"{place}/versions?old=1&new=2")
    assert "priority is 7" in text_of(page)
    assert "priority was 7" in text_of(await crew.ada.get(f"{place}/versions?old=2&new=1"))
    assert f"{place}/steps?step=roll-back&version=1" in links_of(page)
    assert f"{place}/steps?step=roll-back&version=1" not in links_of(await crew.edda.get(f"{place}/versions"))
    back = await crew.ada.send(f"{place}/steps", step="roll-back", version="1", reason="too dear")
    assert back.headers["location"] == f"{place}?version=3&done=roll-back"
    assert await newest_on(db, crew.platform, "prices", "SALE") == (3, "ACTIVE", DOCUMENTS["prices"])
    await draft_on(db, crew.platform, "prices", DOCUMENTS["prices"] | {"priority": 8})
    gone = await crew.edda.send(f"{place}/steps", step="discard", version="4", state="DRAFT")
    assert gone.headers["location"] == f"{place}?done=discarded"
    assert (await newest_on(db, crew.platform, "prices", "SALE"))[0] == 3
    only = f"{crew.base}/prices"
    await draft_on(db, crew.platform, "prices", DOCUMENTS["prices"] | {"key": "ONLY"})
    last = await crew.edda.send(f"{only}/ONLY/steps", step="discard", version="1", state="DRAFT")
    assert last.headers["location"] == f"{only}?done=discarded"
    assert "The draft is discarded" in (await crew.edda.get(last.headers["location"])).text


@pytest.mark.parametrize("plural", DOCUMENTS)
async def test_the_editor_begins_with_what_can_be_tried_and_saved(
    crew: Crew, db: Database, plural: str
) -> None:
    new = f"{crew.base}/new/{plural}"
    page = await crew.edda.get(new)
    given, example = field_of(page, "document"), field_of(page, "example")
    tried = await crew.edda.send(new, document=given, example=example, do="try")
    assert tried.status_code == 200
    assert "How it comes to that" in tried.text
    assert (field_of(tried, "document"), field_of(tried, "example")) == (given, example)
    saved = await save(crew.edda, new, given, example=example)
    assert saved.status_code == 303, text_of(saved)
    # What it begins with next has a key that is free.
    again = field_of(await crew.edda.get(new), "document")
    assert again.splitlines()[0] == given.splitlines()[0] + "-2"


async def test_a_problem_is_told_with_line_and_path_and_nothing_is_lost(crew: Crew) -> None:
    new = f"{crew.base}/new/policies"
    given = write_yaml(POLICY).replace("days:\n        $lte", "dais:\n        $lte")
    line = given.splitlines().index("      dais:") + 1
    for wish, status in (("check", 200), ("try", 200), ("save", 422)):
        page = await save(crew.edda, new, given, example="days: 3 # mine", do=wish)
        assert page.status_code == status, wish
        said = text_of(page)
        assert f"Line {line} rules[0].condition.dais" in said
        assert "Did you mean" in said
        assert 'aria-invalid="true"' in page.text
        assert (field_of(page, "document"), field_of(page, "example")) == (given, "days: 3 # mine")
    part = await save(crew.edda, new, given, do="check", part="yes")
    assert part.status_code == 200
    assert "<html" not in part.text
    assert f'data-line="{line}"' in part.text
    assert "1 problem, in line" in text_of(part)


async def test_an_example_that_cannot_be_asked_is_told(crew: Crew) -> None:
    new = f"{crew.base}/new/policies"
    for example, said in (
        ("days: many", "days"),
        ("[1, 2]", "An example is an object"),
        ("days: 1\ndays: 2", "The key 'days' stands twice"),
        ("", "There is nothing in it"),
    ):
        page = await save(crew.edda, new, POLICY, example=example, do="try")
        assert page.status_code == 200
        assert "The example cannot be asked" in page.text, example
        assert said in text_of(page)
    own = await save(crew.edda, new, POLICY, example="", do="example")
    assert "days: 10" in field_of(own, "example")


async def test_what_somebody_types_stays_text(crew: Crew) -> None:
    hostile = 'key: "</textarea><script>alert(1)</script>"\nname: "<b>&amp;"\n'
    for wish in ("check", "save"):
        page = await save(crew.edda, f"{crew.base}/new/policies", hostile, do=wish, example="</textarea>")
        assert "<script>alert" not in page.text
        assert field_of(page, "document") == hostile
        assert field_of(page, "example") == "</textarea>"
    for odd in ("", "\x00", "a: &a [*a]", "- " * 200, "{" * 500, "key: " + "x" * 5000):
        page = await save(crew.edda, f"{crew.base}/new/policies", odd, do="check")
        assert page.status_code == 200, odd[:20]
        assert "problem" in text_of(page)


async def test_a_key_that_is_taken_and_one_that_changes_are_refused(db: Database, stocked_crew: Crew) -> None:
    crew = stocked_crew
    taken = await save(crew.edda, f"{crew.base}/new/policies", POLICY)
    assert taken.status_code == 409
    assert "There is a policy 'RETURN' already." in text_of(taken)
    assert field_of(taken, "document") == write_yaml(POLICY)
    page = await crew.edda.get(f"{crew.base}/policies/RETURN/edit")
    moved = await save(
        crew.edda,
        f"{crew.base}/policies/RETURN/edit",
        POLICY | {"key": "OTHER"},
        seen=field_of(page, "seen"),
    )
    assert moved.status_code == 422
    assert "a key does not change" in text_of(moved)
    assert (await newest_on(db, crew.platform, "policies", "RETURN"))[:2] == (1, "PUBLISHED")


async def test_what_another_has_written_meanwhile_is_not_buried(db: Database, stocked_crew: Crew) -> None:
    crew, edit = stocked_crew, f"{stocked_crew.base}/policies/RETURN/edit"
    seen = field_of(await crew.edda.get(edit), "seen")
    theirs = await save(crew.ada, edit, POLICY | {"name": "Theirs"}, seen=seen)
    assert theirs.status_code == 303
    mine = POLICY | {"name": "Mine"}
    told = await save(crew.edda, edit, mine, seen=seen, number="2")
    assert told.status_code == 409
    assert "has been changed since you opened it" in text_of(told)
    assert "by ada@harbor.example" in text_of(told)
    assert "name was Theirs is Mine" in text_of(told)
    assert field_of(told, "document") == write_yaml(mine)
    assert (await newest_on(db, crew.platform, "policies", "RETURN"))[2]["name"] == "Theirs"
    over = await save(crew.edda, edit, mine, seen=seen, there=field_of(told, "there"), do="save-over")
    assert over.status_code == 303
    number, state, kept = await newest_on(db, crew.platform, "policies", "RETURN")
    assert (number, state, kept["name"]) == (2, "DRAFT", "Mine")
    # What the page knew of is what may be overwritten, and nothing that came after it.
    again = await save(crew.edda, edit, mine, seen=seen, there=field_of(told, "there"), do="save-over")
    assert again.status_code == 409


async def test_a_draft_that_cannot_be_kept_leaves_the_one_before(db: Database, crew: Crew) -> None:
    part = {"key": "space", "start": "0", "end": "0.5"}
    await publish_on(db, crew.platform, "experiments", DOCUMENTS["experiments"] | {"namespace": part})
    other = DOCUMENTS["experiments"] | {"key": "OTHER"}
    await draft_on(db, crew.platform, "experiments", other)
    edit = f"{crew.base}/experiments/OTHER/edit"
    seen = field_of(await crew.edda.get(edit), "seen")
    refused = await save(crew.edda, edit, other | {"namespace": part}, seen=seen)
    assert refused.status_code == 409
    assert "namespace" in text_of(refused)
    assert re.search(r"Line \d+ namespace", text_of(refused))
    assert (await newest_on(db, crew.platform, "experiments", "OTHER"))[2] == other


async def test_a_version_in_review_is_not_edited(db: Database, stocked_crew: Crew) -> None:
    crew, place = stocked_crew, f"{stocked_crew.base}/policies/RETURN"
    seen = field_of(await crew.edda.get(f"{place}/edit"), "seen")
    saved = await save(crew.edda, f"{place}/edit", POLICY | {"name": "Second"}, seen=seen)
    assert saved.status_code == 303
    seen = field_of(await crew.edda.get(f"{place}/edit"), "seen")
    await crew.edda.send(f"{place}/steps", step="submit", version="2", state="DRAFT")
    assert f"{place}/edit" not in links_of(await crew.edda.get(place))
    assert (await crew.edda.get(f"{place}/edit")).status_code == 409
    late = await save(crew.edda, f"{place}/edit", POLICY | {"name": "Late"}, seen=seen)
    assert late.status_code == 409
    assert "cannot be changed" in text_of(late)
    assert "name: Late" in field_of(late, "document")


async def test_lists_filter_and_keep_the_filter(db: Database, stocked_crew: Crew) -> None:
    crew = stocked_crew
    await draft_on(db, crew.platform, "policies", POLICY | {"key": "SHIPPING"})

    async def keys(query: str) -> list[str]:
        page = await crew.vera.get(f"{crew.base}/policies?{query}")
        assert page.status_code == 200
        return re.findall(r'class="item"><div><a href="[^"]+">([^<]+)</a>', page.text)

    assert await keys("") == ["RETURN", "SHIPPING"]
    assert await keys("q=ship") == ["SHIPPING"]
    assert await keys("state=PUBLISHED") == ["RETURN"]
    assert await keys("state=DRAFT&q=ret") == []
    assert await keys("state=nonsense") == ["RETURN", "SHIPPING"]
    assert (await crew.vera.get(f"{crew.base}/polices")).status_code == 404
    assert (await crew.vera.get(f"{crew.base}/policies/NOTHING")).status_code == 404


async def test_decisions_are_explained(db: Database, stocked_crew: Crew) -> None:
    crew = stocked_crew
    for plural in ("policies", "prices"):
        await draft_on(db, crew.platform, plural, DOCUMENTS[plural] | {"key": "OTHER"})
    listed = await crew.vera.get(f"{crew.base}/policies/RETURN/decided")
    decisions = [link for link in links_of(listed) if "/decisions/" in link]
    assert len(decisions) == 3
    said = text_of(await crew.vera.get(decisions[0]))
    assert "DENY by the default" in said
    assert "days is at most 30" in said
    assert "in-time Irrelevant" in said
    assert "the default Decisive no rule decides." in said
    elsewhere = decisions[0].replace("/RETURN/", "/OTHER/")
    assert (await crew.vera.get(elsewhere)).status_code == 404
    assert (await crew.vera.get(f"{crew.base}/policies/RETURN/decisions/{uuid4()}")).status_code == 404
    quotes = links_of(await crew.vera.get(f"{crew.base}/prices/SALE/decided"))
    quote = next(link for link in quotes if "/decisions/" in link)
    assert (await crew.vera.get(quote.replace("/SALE/", "/OTHER/"))).status_code == 404
    said = text_of(await crew.vera.get(quote))
    assert "SALE: 58.97 EUR" in said
    assert "it comes to the same cents" in said
    assert "SALE (10 % off) takes off 6.00 EUR" in said
    assert "Total 64.97 6.00 58.97" in said
    assert "user-" in text_of(await crew.vera.get(f"{crew.base}/experiments/BUTTON/decided"))
    assert "seller-2" in text_of(await crew.vera.get(f"{crew.base}/limits/exports/decided"))


async def test_of_many_rules_the_first_are_told_and_the_rest_counted(
    app: FastAPI, db: Database, crew: Crew
) -> None:
    rules = [
        {"key": f"seller-{n:04}", "condition": {"seller": n}, "effect": {"result": "ALLOW"}}
        for n in range(1_100)
    ]
    await publish_on(db, crew.platform, "policies", {"key": "MANY", "name": "Many", "rules": rules})
    policies = app.state.engines.policies
    decision = await policies.evaluate(crew.platform, "MANY", {"seller": 700})
    await policies.recorder.writer.flush()
    said = text_of(await crew.vera.get(f"{crew.base}/policies/MANY/decisions/{decision.id}"))
    assert "seller-0049 Irrelevant" in said
    assert "seller-0700 Decisive" in said
    assert "the default Overridden seller-0700 comes before it." in said
    assert "seller-0050 Irrelevant" not in said
    assert "… and 1,049 more that did not match." in said


async def test_what_a_draft_would_change_is_counted(db: Database, stocked_crew: Crew) -> None:
    crew = stocked_crew
    stricter = [{**POLICY["rules"][0], "condition": {"days": {"$lte": 10}}}, POLICY["rules"][1]]
    await draft_on(db, crew.platform, "policies", POLICY | {"rules": stricter})
    said = text_of(await crew.edda.get(f"{crew.base}/policies/RETURN/what-if"))
    assert "3 compared = 2 the same + 1 decided otherwise" in said
    same = text_of(await crew.edda.get(f"{crew.base}/policies/RETURN/what-if?version=1&last=100"))
    assert "3 compared = 3 the same + 0 decided otherwise" in same
    assert (await crew.edda.get(f"{crew.base}/policies/RETURN/what-if?last=0")).status_code == 422


async def test_results_are_drawn_and_told(stocked_crew: Crew) -> None:
    page = await stocked_crew.vera.get(f"{stocked_crew.base}/experiments/BUTTON/results")
    said = text_of(page)
    split = re.search(r"Share CONTROL (\d+) 20 .* TREATMENT (\d+) 20 ", said)
    assert split is not None
    assert int(split[1]) + int(split[2]) == 40
    assert re.search(r"Difference .* \+\d\d\.\d\d pp \+\d+\.\d\d pp to", said)
    assert "Better" in said
    assert 'class="span' in page.text
    assert "The table below holds the same figures" in page.text


async def test_a_broken_split_withholds_the_results(app: FastAPI, db: Database, crew: Crew) -> None:
    await publish_on(db, crew.platform, "experiments", DOCUMENTS["experiments"])
    experiments = app.state.engines.experiments
    for number in range(80):
        context = {"id": f"user-{number}"}
        one = await experiments.assign(crew.platform, "BUTTON", context, record=False, sticky=False)
        if one.variant_key == "CONTROL" or number % 10 == 0:
            await experiments.assign(crew.platform, "BUTTON", context)
    await experiments.exposures.flush()
    page = await crew.vera.get(f"{crew.base}/experiments/BUTTON/results")
    assert "The results are withheld" in page.text
    assert 'role="alert"' in page.text
    assert 'class="span' not in page.text


async def test_usage_is_shown_by_entity(stocked_crew: Crew) -> None:
    crew = stocked_crew
    page = text_of(await crew.vera.get(f"{crew.base}/limits/exports/usage"))
    assert page.index("seller-1") < page.index("seller-2")
    assert "90.0 %" in page
    one = text_of(await crew.vera.get(f"{crew.base}/limits/exports/usage?entity=seller-2"))
    assert "seller-1" not in one
    assert "used nothing" in text_of(await crew.vera.get(f"{crew.base}/limits/exports/usage?entity=nobody"))


async def test_what_is_not_live_says_so_where_nothing_was_decided(db: Database, crew: Crew) -> None:
    for plural, document in DOCUMENTS.items():
        await draft_on(db, crew.platform, plural, document)
        place = f"{crew.base}/{plural}/{document['key']}"
        assert "Publish it first" in text_of(await crew.vera.get(f"{place}/decided"))
    for path in OWN:
        assert (await crew.vera.get(f"{crew.base}/{path}")).status_code == 200, path


async def test_the_commands_on_pages_are_ones_that_the_program_takes(db: Database, crew: Crew) -> None:
    said = (await crew.ada.get(crew.base)).text + (await crew.ada.get(f"{crew.base}/limits")).text
    said += (await crew.sten.get("/platforms")).text
    for plural, document in DOCUMENTS.items():
        await publish_on(db, crew.platform, plural, document)
        said += (await crew.vera.get(f"{crew.base}/{plural}/{document['key']}/decided")).text
    said += (await crew.vera.get(f"{crew.base}/limits/exports/usage")).text
    commands = {unescape(one) for one in re.findall(r">(entrepot [^<]+)<", said)}
    assert len(commands) == 8
    for command in commands:
        _, *arguments = shlex.split(command.partition(" < ")[0])
        assert fault(arguments) is None, command


async def test_times_are_those_of_the_platform(db: Database, crew: Crew) -> None:
    async with db.system() as session:
        await session.execute(text("UPDATE marketplace.hm_platform SET time_zone = 'Pacific/Kiritimati'"))
    await draft_on(db, crew.platform, "policies", POLICY)
    page = await crew.vera.get(f"{crew.base}/policies/RETURN")
    shown = re.search(r'<time datetime="[^"]*T(\d\d)[^"]*"[^>]*>\d+ \w+ (\d\d):', page.text)
    assert shown is not None
    assert (int(shown[2]) - int(shown[1])) % 24 == 14
