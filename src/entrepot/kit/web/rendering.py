"""Pages from templates. The application brings the templates; an edge names one and gives its values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse

from entrepot.kit.clock import now

THEMES = ("light", "dark")


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence at the head of a page."""

    tone: Literal["ok", "bad", "info"]
    title: str
    detail: str = ""


def render(
    request: Request,
    template: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    messages: tuple[Message, ...] = (),
    **values: Any,
) -> HTMLResponse:
    """The page that a template makes of the values and of what every page knows: viewer, platforms, accounts, theme, CSRF token."""
    environment = cast(Environment, request.app.state.templates)
    path = request.url.path
    context = {
        "viewer": getattr(request.state, "viewer", None),
        "platforms": getattr(request.state, "platforms", ()),
        "platform": getattr(request.state, "platform", None),
        "accounts": getattr(request.state, "accounts", ()),
        "account": getattr(request.state, "account", None),
        "csrf_token": getattr(request.state, "csrf_token", ""),
        "theme": theme_of(request),
        "here": path + (f"?{request.url.query}" if request.url.query else ""),
        "url": path + (f"?{request.url.query}" if request.url.query else ""),
        "messages": messages,
        "now": now(),
        **values,
    }
    return HTMLResponse(
        environment.get_template(template).render(context), status_code=status, headers=dict(headers or {})
    )


def theme_of(request: Request) -> str:
    """The theme that the browser asked to keep, or "auto"."""
    wanted = request.cookies.get("theme", "")
    return wanted if wanted in THEMES else "auto"
