"""`entrepot sandbox canadapost`: an invented carrier to try things on."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from entrepot.kit.output import JsonOption, console, print_json


def canadapost(
    port: Annotated[
        int, typer.Option(help="Port to listen on; 0 picks a free one.", min=0, max=65_535)
    ] = 8301,
    username: Annotated[str, typer.Option(help="The name that callers have to show.")] = "sandbox",
    password: Annotated[str, typer.Option(help="The password that callers have to show.")] = "sandbox",  # noqa: S107 -- of nothing
    customer: Annotated[str, typer.Option(help="The customer's number, up to ten digits.")] = "2000000",
    latency_ms: Annotated[float, typer.Option(help="How long each answer takes at least.", min=0)] = 0,
    transmits_after: Annotated[
        float, typer.Option(help="Seconds in which a label can be voided; then only refunded.", min=0)
    ] = 0,
    seed: Annotated[int, typer.Option(help="The same seed misbehaves in the same way.")] = 1,
    now: Annotated[
        datetime | None,
        typer.Option(
            help="A moment to stand at, in UTC, until the clock is moved.", show_default="the machine's"
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Serve an invented Canada Post to this machine, until interrupted."""
    from entrepot.sandbox.canadapost.server import application_of
    from entrepot.sandbox.canadapost.shipments import CanadaPostState
    from entrepot.sandbox.misbehaving import Misbehavior
    from entrepot.sandbox.moving import standing_at
    from entrepot.sandbox.serving import address, listen, serve

    state = CanadaPostState.fresh(
        username=username,
        password=password,
        customer=customer,
        clock=standing_at(now.replace(tzinfo=now.tzinfo or UTC) if now else None),
        misbehavior=Misbehavior(seed=seed, latency_ms=latency_ms),
        transmits_after=timedelta(seconds=transmits_after),
    )
    listener = listen(port)
    state.url = address(listener)

    def ready() -> None:
        if json:
            print_json({"url": state.url, "username": username, "password": password, "customer": customer})
            return
        shown = console()
        shown.print(
            f"Canada Post sandbox: {state.url} for customer {customer}, as {username} with {password}."
        )
        shown.print(f"Tell it what to do at {state.url}/sandbox; Ctrl+C ends it.")

    serve(application_of(state), listener, ready)
