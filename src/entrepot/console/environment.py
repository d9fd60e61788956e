"""The template environment of the console and the addresses of its static files."""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from entrepot.console import measures
from entrepot.console.formats import FILTERS

HERE = Path(__file__).parent
STATIC = HERE / "static"


@dataclass(frozen=True)
class Destination:
    """An entry of the navigation; `key` follows "g" on the keyboard.

    Rules are for members of a platform only, Mirakl for members of an account, the warehouse for administrators.
    """

    section: str
    title: str
    href: str
    key: str


NAVIGATION = (
    Destination("home", "Home", "/", "h"),
    Destination("imports", "Imports", "/imports", "i"),
    Destination("products", "Products", "/products", "p"),
    Destination("rules", "Rules", "/platforms", "u"),
    Destination("mirakl", "Mirakl", "/mirakl", "m"),
    Destination("warehouse", "Warehouse", "/warehouse", "w"),
    Destination("audit", "Audit log", "/audit", "a"),
    Destination("data", "Data", "/data", "d"),
    Destination("api", "API", "/reference", "r"),
    Destination("account", "Account", "/account", "s"),
)


@cache
def asset(name: str) -> str:
    """The address of a static file; it changes with the content, so that a browser may keep it forever."""
    return f"/static/{name}?v={sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


def make_environment() -> Environment:
    """Templates that escape everything and refuse to print what was not given."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS | measures.FILTERS)
    environment.globals.update(measures.GLOBALS, asset=asset, navigation=NAVIGATION)
    return environment
