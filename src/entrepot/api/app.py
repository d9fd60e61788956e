"""The application: routes, console, error answers, security headers, and the database that they share."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import APIRouter, FastAPI

from entrepot import __version__
from entrepot.api import health
from entrepot.api.limiting import RateLimitFields, RequestMeter
from entrepot.api.openapi import describe
from entrepot.console import assembling
from entrepot.flows.facts import routes as facts
from entrepot.kit.db import Database
from entrepot.kit.settings import Settings, get_settings
from entrepot.kit.web import problems
from entrepot.kit.web.edge import Edge
from entrepot.marketplace.engines import Engines
from entrepot.marketplace.experiments import routes as experiments
from entrepot.marketplace.governance import routes as governance
from entrepot.marketplace.limits import routes as limits
from entrepot.marketplace.policies import routes as policies
from entrepot.marketplace.pricing import routes as pricing
from entrepot.marketplace.rulebook import routes as rulebook
from entrepot.mirakl.accounts import routes as accounts
from entrepot.mirakl.conversations import routes as conversations
from entrepot.mirakl.failures import routes as failures
from entrepot.mirakl.money import routes as money
from entrepot.mirakl.orders import routes as orders
from entrepot.mirakl.orders.steps import load_steps
from entrepot.mirakl.shipping import routes as shipping
from entrepot.mirakl.stock import routes as stock
from entrepot.mirakl.today import routes as today
from entrepot.pim.audit import routes as audit
from entrepot.pim.bulk import routes as imports
from entrepot.pim.products import routes as products
from entrepot.pim.tenants import routes as tenants
from entrepot.pim.tenants.doors import StaffDoors
from entrepot.playground.dashboard import routes as warehouse
from entrepot.playground.entities import routes as entities

PREFIX = "/api/v1"


def create_app(
    db: Database | None = None, settings: Settings | None = None, engines: Engines | None = None
) -> FastAPI:
    """The application over a database and its engines; what is not given is opened at start-up and closed at the end."""
    chosen = settings or (db.settings if db is not None else get_settings())

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            if db is None:
                share(app, await stack.enter_async_context(Database.opened(chosen)))
            if engines is None:
                app.state.engines = await stack.enter_async_context(Engines.opened(app.state.database))
            yield

    app = FastAPI(
        title="Entrepot",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{PREFIX}/openapi.json",
        redirect_slashes=False,
    )
    app.state.settings = chosen
    app.state.charge = RequestMeter().charge
    if db is not None:
        share(app, db)
    if engines is not None:
        app.state.engines = engines
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]

    # What a step of an order or a retry does is registered by modules that no page imports.
    load_steps()
    api = APIRouter(prefix=PREFIX)
    # The rulebook comes before the engines: its addresses end in names, where some of theirs end in identifiers.
    shops = (tenants, imports, products, audit)
    marketplace = (rulebook, policies, experiments, pricing, limits, governance)
    mirakl = (accounts, today, orders, shipping, stock, conversations, failures, money)
    for noun in (*shops, *marketplace, *mirakl, warehouse, entities, facts):
        api.include_router(noun.router)
    app.include_router(api)
    app.include_router(health.router)
    assembling.add_console(app)
    problems.install(app)
    app.add_middleware(Edge, answer=problems.answer, uploads=("/imports", f"{PREFIX}/imports"))
    app.add_middleware(RateLimitFields)
    return app


def share(app: FastAPI, db: Database) -> None:
    """Put the database, and the door to the people in it, where requests find them."""
    app.state.database = db
    app.state.doors = StaffDoors(db)
