"""`entrepot sandbox mirakl`: an invented Mirakl marketplace to try things on."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from entrepot.kit.output import JsonOption, console, print_json


def mirakl(
    port: Annotated[
        int, typer.Option(help="Port to listen on; 0 picks a free one.", min=0, max=65_535)
    ] = 8300,
    orders: Annotated[int, typer.Option(help="How many orders to begin with.", min=0)] = 10,
    sku: Annotated[
        list[str] | None, typer.Option("--sku", help="A SKU that is ordered; may be given several times.")
    ] = None,
    hard: Annotated[
        bool, typer.Option("--hard", help="With a little of everything that can be wrong.")
    ] = False,
    seed: Annotated[int, typer.Option(help="The same seed gives the same orders.")] = 1,
    api_key: Annotated[str, typer.Option(help="The key that callers have to show.")] = "sandbox-key",
    latency_ms: Annotated[float, typer.Option(help="How long each answer takes at least.", min=0)] = 0,
    limits: Annotated[
        bool, typer.Option("--limits", help="Enforce the documented call frequencies.")
    ] = False,
    now: Annotated[
        datetime | None,
        typer.Option(
            help="A moment to stand at, in UTC, until the clock is moved.", show_default="the machine's"
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Serve an invented Mirakl marketplace to this machine, until interrupted."""
    from entrepot.sandbox.mirakl.generating import HARD
    from entrepot.sandbox.mirakl.server import application_of
    from entrepot.sandbox.mirakl.state import MiraklState
    from entrepot.sandbox.mirakl.values import DOCUMENTED_LIMITS
    from entrepot.sandbox.misbehaving import Misbehavior
    from entrepot.sandbox.moving import standing_at
    from entrepot.sandbox.serving import address, listen, serve

    state = MiraklState.fresh(
        api_key=api_key,
        clock=standing_at(now.replace(tzinfo=now.tzinfo or UTC) if now else None),
        misbehavior=Misbehavior(seed=seed, latency_ms=latency_ms),
        limits=DOCUMENTED_LIMITS if limits else None,
    )
    placed = state.add_orders(
        orders, sku or ["LAPTOP-14-16-512", "LAPTOP-13-8-256"], seed=seed, mix=HARD if hard else None
    )
    listener = listen(port)
    url = address(listener)

    def ready() -> None:
        if json:
            print_json({"url": url, "api_url": f"{url}/api", "api_key": api_key, "orders": len(placed)})
            return
        shown = console()
        shown.print(
            f"Mirakl sandbox: {url}/api with the key {api_key}; {len(placed)} orders wait for acceptance."
        )
        shown.print(f"Tell it what to do at {url}/sandbox; Ctrl+C ends it.")

    serve(application_of(state), listener, ready)
