"""Somebody who is signed in to the console, without a browser."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from tests.api.conftest import (
    BASE,
    PASSWORD,
    Person,
    add_person,
    admin,
    app,
    client,
    person,
    stocked,
    stranger,
)

__all__ = ["add_person", "admin", "app", "client", "person", "stocked", "stranger"]


class SignedIn:
    """A browser's requests: cookies, HTML, forms with their CSRF field."""

    def __init__(self, http: httpx.AsyncClient, csrf: str) -> None:
        self.http = http
        self.csrf = csrf

    async def get(self, path: str) -> httpx.Response:
        """Open a page."""
        return await self.http.get(path, headers={"accept": "text/html"})

    async def send(self, path: str, **fields: str) -> httpx.Response:
        """Send a form."""
        data = {"csrf_token": self.csrf, **fields}
        return await self.http.post(path, data=data, headers={"accept": "text/html", "origin": BASE})


async def sign_in(app: FastAPI, person: Person, shop: str) -> SignedIn:
    """Sign a person in."""
    http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE)
    response = await http.post(
        "/api/v1/session", json={"shop": shop, "email": person.member.email, "password": PASSWORD}
    )
    assert response.status_code == 201, response.text
    return SignedIn(http, response.json()["csrf_token"])


@pytest.fixture
async def mara(app: FastAPI, person: Person) -> AsyncIterator[SignedIn]:
    """The person of the shop, signed in."""
    found = await sign_in(app, person, "harbor.myshopify.com")
    yield found
    await found.http.aclose()


@pytest.fixture
async def sten(app: FastAPI, stranger: Person) -> AsyncIterator[SignedIn]:
    """Somebody of another shop, signed in."""
    found = await sign_in(app, stranger, "lagoon.myshopify.com")
    yield found
    await found.http.aclose()
