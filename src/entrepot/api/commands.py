"""`entrepot serve`."""

import asyncio
from typing import Annotated

import typer

from entrepot.api import serving
from entrepot.kit.db import Database
from entrepot.kit.output import print_note
from entrepot.kit.settings import get_settings


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on.", show_default="ENTREPOT_HOST, else 127.0.0.1")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, help="Port; 0 picks a free one.", show_default="ENTREPOT_PORT, else 8000"
        ),
    ] = None,
    worker: Annotated[
        bool, typer.Option("--worker/--no-worker", help="Run background jobs in this process too.")
    ] = True,
) -> None:
    """Serve the console and the API, and run a worker beside them, until Ctrl-C or SIGTERM.

    Then it takes no more requests and jobs, finishes what runs, and puts back what has not finished after 30 seconds.

    Example: entrepot serve --port 8080
    """
    settings = get_settings()
    chosen_port = settings.port if port is None else port
    with serving.listen(host or settings.host, chosen_port) as listener:
        address = serving.address_of(listener)
        if not serving.is_local(listener):
            print_note(
                "Other machines can connect, and what they send is not encrypted: put a proxy with TLS in front."
            )

        async def run() -> None:
            with serving.stopping_on_signals() as stop:
                async with Database.opened(settings) as db:
                    await serving.serve(
                        db,
                        listener,
                        stop=stop,
                        worker=worker,
                        ready=lambda: print_note(f"Serving at {address}  (Ctrl-C stops it)"),
                    )

        try:
            asyncio.run(run())
        except asyncio.CancelledError:
            print_note("Stopped; what was not done is done again by the next worker.")
            raise typer.Exit(130) from None
