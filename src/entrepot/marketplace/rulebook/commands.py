"""`entrepot rules`: conditions, and the rules of a platform: kept in files, shown, taken through their states."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.db import Database
from entrepot.kit.output import JsonOption, count_of, print_json, print_line, print_note, print_table
from entrepot.kit.rules import commands as conditions
from entrepot.marketplace.platforms.platforms import Platform, choose_platform
from entrepot.marketplace.rulebook import authoring
from entrepot.marketplace.rulebook.applying import Applied, apply_rulebook
from entrepot.marketplace.rulebook.comparing import Difference
from entrepot.marketplace.rulebook.files import read_files, write_definitions, write_document
from entrepot.marketplace.rulebook.planning import Plan, make_plan, read_live
from entrepot.marketplace.rulebook.reading import (
    compare_versions,
    get_definition,
    list_keys,
    list_steps,
    list_waiting,
    version_dict,
)
from entrepot.marketplace.rulebook.registry import kind_of, kinds

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Keep rules in files, publish them and roll them back; check conditions.",
)
# Without a name of their own, the commands about conditions stand among these.
app.add_typer(conditions.app)
T = TypeVar("T")
#: What `plan --exit-code` ends with when files and platform differ, as `diff` does; errors have other codes.
DIFFERENT = 1
SIGNS = {"create": "+", "change": "~", "retire": "-"}

PlatformOption = Annotated[
    str | None,
    typer.Option("--platform", metavar="CODE", help="The platform; needed where there are several."),
]
KindArgument = Annotated[str, typer.Argument(metavar="KIND", help="policies, experiments, prices or limits.")]
KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="Key of the definition.")]
FilesArgument = Annotated[
    list[Path],
    typer.Argument(metavar="FILE…", help="Files with definitions, or directories that hold them."),
]
ReasonOption = Annotated[str | None, typer.Option(help="Why; kept with each step.")]
PruneOption = Annotated[
    bool,
    typer.Option(
        "--prune", help="Retire what is live and in none of the files, of the kinds that the files speak of."
    ),
]


def _run(code: str | None, work: Callable[[AsyncSession, Platform], Awaitable[T]]) -> T:
    async def run() -> T:
        async with Database.opened(pool_size=2) as db:
            platform = await choose_platform(db, code)
            async with db.tenant(platform_id=platform.platform_id) as session:
                return await work(session, platform)

    return asyncio.run(run())


@app.command()
def export(
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write there; into a directory, a file a kind."),
    ] = None,
    platform: PlatformOption = None,
    json: JsonOption = False,
) -> None:
    """Write the live definitions of a platform as YAML.

    Example: entrepot rules export --output rules.yaml
    """
    found = _run(platform, lambda session, chosen: read_live(session, kinds(), chosen.platform_id))
    if output is None:
        if json:
            plain = {
                kind.plural: [authoring.as_plain(one) for one in listed] for kind, listed in found.items()
            }
            print_json({"entrepot": 1, **plain})
        else:
            sys.stdout.write(write_definitions(found))
        return
    if output.is_dir():
        written = [output / f"{kind.plural}.yaml" for kind in found]
        for kind, path in zip(found, written, strict=True):
            path.write_text(write_definitions({kind: found[kind]}), encoding="utf-8")
    else:
        written = [output]
        output.write_text(write_definitions(found), encoding="utf-8")
    count = sum(map(len, found.values()))
    if json:
        print_json({"definitions": count, "files": [str(path) for path in written]})
    else:
        print_line(f"Wrote {count_of(count, 'definition')} to {', '.join(map(str, written))}.")


@app.command()
def plan(
    files: FilesArgument,
    prune: PruneOption = False,
    exit_code: Annotated[
        bool,
        typer.Option("--exit-code", help=f"End with {DIFFERENT} where something would change, as diff does."),
    ] = False,
    platform: PlatformOption = None,
    json: JsonOption = False,
) -> None:
    """Show what applying files would change, field by field; nothing is changed.

    With --exit-code it ends with 1 where something would, and with 0 where nothing would. Errors end with 2 or more.

    Example: entrepot rules plan rules/ --exit-code
    """
    rulebook = read_files(files, kinds())
    found = _run(
        platform, lambda session, chosen: make_plan(session, chosen.platform_id, rulebook, prune=prune)
    )
    _show_plan(found, json=json)
    if exit_code and found.open:
        raise typer.Exit(DIFFERENT)


@app.command()
def apply(
    files: FilesArgument,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and change nothing.")] = False,
    prune: PruneOption = False,
    publish_: Annotated[
        bool, typer.Option("--publish/--no-publish", help="Publish what changes, or leave it as drafts.")
    ] = True,
    reason: ReasonOption = None,
    platform: PlatformOption = None,
    json: JsonOption = False,
) -> None:
    """Make the rules of a platform what files say, all or nothing; what is equal already is not touched.

    Example: entrepot rules apply rules/ --reason "release 42"
    """
    if dry_run:
        plan(files, prune=prune, exit_code=False, platform=platform, json=json)
        return
    rulebook = read_files(files, kinds())
    why = reason or f"applied from {', '.join(str(path) for path in files)}"

    async def work(session: AsyncSession, chosen: Platform) -> tuple[Plan, list[Applied]]:
        return await apply_rulebook(
            session,
            chosen.platform_id,
            rulebook,
            user_id=None,
            reason=why,
            prune=prune,
            publish=publish_,
        )

    found, done = _run(platform, work)
    if json:
        print_json({"counts": found.counts, "applied": [one.as_dict() for one in done]})
        return
    if not done:
        _show_nothing_to_do(found)
        return
    for one in done:
        print_line(f"{one.outcome:<9} {one.change.kind.name} {one.change.key}, version {one.version}")
    changed = sum(1 for one in done if one.outcome != "left")
    print_line(f"{count_of(changed, 'definition')} changed, {found.counts['same']} unchanged.")


@app.command("list")
def list_all(
    kind: Annotated[
        str | None, typer.Argument(metavar="[KIND]", help="policies, experiments, prices or limits.")
    ] = None,
    waiting: Annotated[
        bool, typer.Option("--waiting", help="Only what waits for somebody: drafts, reviews, what is paused.")
    ] = False,
    platform: PlatformOption = None,
    json: JsonOption = False,
) -> None:
    """Show the definitions of a platform, or what among them waits for somebody."""
    chosen_kinds = kinds() if kind is None else (kind_of(kind),)

    async def work(session: AsyncSession, chosen: Platform) -> list[dict[str, Any]]:
        if waiting:
            return [
                {
                    "kind": one.kind.name,
                    "key": one.key,
                    "version": one.version,
                    "state": one.state,
                    "live_version": one.live_version,
                    "since": one.since,
                }
                for one in await list_waiting(session, chosen_kinds, chosen.platform_id, limit=1000)
            ]
        found: list[dict[str, Any]] = []
        for one in chosen_kinds:
            after: str | None = None
            while True:
                page = await list_keys(session, one, chosen.platform_id, after=after, limit=200)
                found += [listed.as_dict() for listed in page.rows]
                if (after := page.after) is None:
                    break
        return found

    rows = _run(platform, work)
    if json:
        print_json({"rules": rows})
    elif waiting:
        columns = ["kind", "key", "version", "state", "live_version", "since"]
        print_table(columns, [[row[name] for name in columns] for row in rows], empty="Nothing waits.")
    else:
        columns = ["kind", "key", "state", "version", "newest_version", "newest_state", "decided_at"]
        empty = "There are no rules yet; `entrepot rules apply FILE` makes some."
        print_table(columns, [[row[name] for name in columns] for row in rows], empty=empty)


@app.command()
def show(
    kind: KindArgument,
    key: KeyArgument,
    version: Annotated[int | None, typer.Option(help="Number of a version; the live one without it.")] = None,
    platform: PlatformOption = None,
    json: JsonOption = False,
) -> None:
    """Show a definition: its state, what it says in words, and its YAML."""
    found = _run(
        platform,
        lambda session, chosen: get_definition(session, kind_of(kind), chosen.platform_id, key, version),
    )
    if json:
        print_json(found.as_dict())
        return
    print_note(f"{found.kind.name} {key}, version {found.version.version}, {found.version.state}")
    for line in found.words:
        print_note(line)
    sys.stdout.write(write_document(found.document))


@app.command()
def history(
    kind: KindArgument,
    key: KeyArgument,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 50,
    platform: PlatformOption = None,
    json: JsonOption = False,
) -> None:
    """Show every step that the versions of a definition took, the newest first: when, from where to where, and why."""
    rows = _run(
        platform,
        lambda session, chosen: list_steps(session, kind_of(kind), chosen.platform_id, key, limit),
    )
    names = ["occurred_at", "version", "from_state", "to_state", "user_id", "reason"]
    if json:
        print_json({"steps": [{name: row[name] for name in names} for row in rows]})
        return
    print_table(
        ["when", "version", "from", "to", "who", "why"], [[row[name] for name in names] for row in rows]
    )


@app.command()
def diff(
    kind: KindArgument,
    key: KeyArgument,
    old: Annotated[int | None, typer.Option("--from", help="Number of the earlier version.")] = None,
    new: Annotated[int | None, typer.Option("--to", help="Number of the later version.")] = None,
    platform: PlatformOption = None,
    json: JsonOption = False,
) -> None:
    """Show what differs between two versions, field by field: without numbers, what the newest one changes."""
    earlier, later, found = _run(
        platform,
        lambda session, chosen: compare_versions(session, kind_of(kind), chosen.platform_id, key, old, new),
    )
    if json:
        print_json(
            {
                "from": earlier.version if earlier else None,
                "to": later.version,
                "differences": [one.as_dict() for one in found],
            }
        )
        return
    for one in found:
        print_line(difference_line(one))
    if not found:
        print_line("They say the same.")


@app.command()
def step(
    kind: KindArgument,
    key: KeyArgument,
    event: Annotated[str, typer.Argument(metavar="EVENT", help="submit, approve, suspend, resume …")],
    version: Annotated[
        int | None, typer.Option(help="Number of the version; the one that can do it.")
    ] = None,
    reason: ReasonOption = None,
    platform: PlatformOption = None,
    json: JsonOption = False,
) -> None:
    """Take a definition a step further: submit, approve, publish, suspend, resume, deprecate and the like."""
    chosen_kind = kind_of(kind)
    done = _run(
        platform,
        lambda session, chosen: authoring.take_step(
            session, chosen_kind, chosen.platform_id, key, event, number=version, reason=reason
        ),
    )
    _show_version(chosen_kind, done, json=json)


@app.command()
def publish(
    kind: KindArgument,
    key: KeyArgument,
    reason: ReasonOption = None,
    platform: PlatformOption = None,
    json: JsonOption = False,
) -> None:
    """Take the newest version of a definition all the way to the state in which it decides."""
    chosen_kind = kind_of(kind)
    done = _run(
        platform,
        lambda session, chosen: authoring.publish(
            session, chosen_kind, chosen.platform_id, key, reason=reason
        ),
    )
    _show_version(chosen_kind, done, json=json)


@app.command()
def rollback(
    kind: KindArgument,
    key: KeyArgument,
    to: Annotated[int | None, typer.Option(help="Number of the version; the last one that was live.")] = None,
    reason: ReasonOption = None,
    platform: PlatformOption = None,
    json: JsonOption = False,
) -> None:
    """Publish what an earlier version said again, as a new version."""
    chosen_kind = kind_of(kind)
    done = _run(
        platform,
        lambda session, chosen: authoring.roll_back(
            session, chosen_kind, chosen.platform_id, key, to, user_id=None, reason=reason
        ),
    )
    _show_version(chosen_kind, done, json=json)


def difference_line(difference: Difference) -> str:
    """`rules[ce-mark].priority: 100 → 200`; + and - for what comes and goes."""
    old, new = difference.old_text, difference.new_text
    if old is None:
        return f"+ {difference.path}: {new}"
    if new is None:
        return f"- {difference.path}: {old}"
    return f"~ {difference.path}: {old} → {new}"


def _show_plan(found: Plan, *, json: bool) -> None:
    if json:
        print_json(found.as_dict())
        return
    for change in found.open:
        place = f"  ({change.written.file}:{change.written.line})" if change.written else ""
        print_line(f"{SIGNS[change.action]} {change.kind.name} {change.key}: {change.action}{place}")
        if change.action == "create" and change.written is not None:
            for line in change.kind.words(change.written.document):
                print_line(f"    {line}")
        for difference in change.differences:
            print_line(f"    {difference_line(difference)}")
        for note in change.notes:
            print_line(f"    note: {note}")
    counts = found.counts
    if not found.open:
        _show_nothing_to_do(found)
        return
    print_line(
        f"{counts['create']} to create, {counts['change']} to change, {counts['retire']} to retire, "
        f"{counts['same']} the same."
    )


def _show_nothing_to_do(found: Plan) -> None:
    for change in found.changes:
        for note in change.notes:
            print_line(f"= {change.kind.name} {change.key}: {note}")
    print_line(f"Nothing to do: {count_of(found.counts['same'], 'definition')} as in the files.")


def _show_version(kind: Any, version: authoring.Version, *, json: bool) -> None:
    if json:
        print_json(version_dict(kind, version))
    else:
        print_line(f"{kind.name} {version.key}, version {version.version}: {version.state}")
