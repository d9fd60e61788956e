"""The console in an application: its pages, its templates, its static files."""

from uuid import UUID

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from entrepot.console import home, reference
from entrepot.console.browsing import pages as browsing
from entrepot.console.environment import STATIC, make_environment
from entrepot.marketplace.experiments import pages as experiments
from entrepot.marketplace.limits import pages as limits
from entrepot.marketplace.platforms import pages as platforms
from entrepot.marketplace.platforms.pages import introduce as introduce_platforms
from entrepot.marketplace.policies import pages as policies
from entrepot.marketplace.pricing import pages as pricing
from entrepot.marketplace.rulebook import editor_pages, step_pages
from entrepot.marketplace.rulebook import pages as rules
from entrepot.mirakl.accounts import pages as accounts
from entrepot.mirakl.accounts.pages import introduce as introduce_accounts
from entrepot.mirakl.conversations import pages as conversations
from entrepot.mirakl.conversations import reply_pages
from entrepot.mirakl.failures import pages as failures
from entrepot.mirakl.money import pages as money
from entrepot.mirakl.orders import answer_pages
from entrepot.mirakl.orders import pages as orders
from entrepot.mirakl.shipping import packing_pages
from entrepot.mirakl.shipping import pages as shipping
from entrepot.mirakl.stock import pages as stock
from entrepot.mirakl.today import pages as today
from entrepot.pim.audit import pages as audit
from entrepot.pim.bulk import pages as imports
from entrepot.pim.products import pages as products
from entrepot.pim.tenants import pages as tenants
from entrepot.pim.tenants.access import recognize, visit_of
from entrepot.playground.dashboard import entity_pages, scenario_pages
from entrepot.playground.dashboard import pages as warehouse

SHOP = (home, tenants, imports, products, audit, browsing, reference)
# The editor before the definitions: `/platforms/CODE/new/policies` names no definition of a kind "new".
RULES = (platforms, editor_pages, step_pages, rules, policies, experiments, pricing, limits)
MIRAKL = (
    accounts,
    today,
    orders,
    answer_pages,
    shipping,
    packing_pages,
    stock,
    conversations,
    reply_pages,
    failures,
    money,
)
# The lists of facts last: `/warehouse/scenarios` is no list.
WAREHOUSE = (scenario_pages, entity_pages, warehouse)
PAGES = (*SHOP, *RULES, *MIRAKL, *WAREHOUSE)


class Assets(StaticFiles):
    """Static files whose address changes with their content, so that a browser asks once."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """One file."""
        response = await super().get_response(path, scope)
        if response.status_code == 200:
            kept = "public, max-age=31536000, immutable" if b"v=" in scope["query_string"] else "no-cache"
            response.headers["cache-control"] = kept
        return response


def add_console(app: FastAPI) -> None:
    """Give the application its pages."""
    app.state.templates = make_environment()
    app.state.greet = greet
    app.state.introduce = introduce
    app.mount("/static", Assets(directory=STATIC), name="static")
    for noun in PAGES:
        app.include_router(noun.router)


async def introduce(request: Request, user_id: UUID) -> None:
    """Put the platforms and the accounts of a person into the request: the navigation leads to them."""
    await introduce_platforms(request, user_id)
    await introduce_accounts(request, user_id)


async def greet(request: Request) -> None:
    """Make an error's page one of the console, for whoever is signed in."""
    async with visit_of(request, await recognize(request)):
        pass
