"""`entrepot doctor`."""

import asyncio

import typer

from entrepot.kit.output import JsonOption, console, count_of, print_json

MARKS = {"ok": "[green]✓[/]", "warn": "[yellow]![/]", "fail": "[red]✗[/]"}


def doctor(json: JsonOption = False) -> None:
    """Check what a newcomer can get wrong, and say how to mend it. Exit code 1 when something has to be mended."""
    from entrepot.kit.doctor.examine import examine

    found = asyncio.run(examine())
    failures = [check for check in found if check.state == "fail"]
    if json:
        print_json({"healthy": not failures, "checks": found})
    else:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for check in found:
            said = Text(check.found)
            if check.mend:
                said.append(f"\n→ {check.mend}", style="bold")
            table.add_row(MARKS[check.state], check.name, said)
        console().print(table)
        warnings = sum(check.state == "warn" for check in found)
        ending = "All is well." if not failures and not warnings else ""
        if failures:
            ending = f"{count_of(len(failures), 'thing')} to mend."
        elif warnings:
            ending = f"Nothing is broken; {count_of(warnings, 'warning')}."
        console().print(f"\n{ending}")
    if failures:
        raise typer.Exit(1)
