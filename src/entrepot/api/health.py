"""Whether the process lives and whether it can serve: for load balancers and supervisors, without authentication."""

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from sqlalchemy import text

from entrepot.kit.errors import UnavailableError
from entrepot.kit.web.problems import responses
from entrepot.kit.web.requests import database
from entrepot.marketplace.engines import engines_of

router = APIRouter(prefix="/health", tags=["Health"])

_PING = text("SELECT 1")


class Health(BaseModel):
    """The state of the process."""

    status: Literal["ok"] = Field(description="Anything else is answered with a problem.")
    rules: Literal["heard", "asked"] = Field(
        default="heard",
        description="`asked` while changes of the rules cannot be heard, so that every question asks the database.",
    )


@router.get("/live", operation_id="getLiveness", summary="Does the process answer?")
async def live() -> Health:
    """Ask this to decide whether to restart the process; it depends on nothing else."""
    return Health(status="ok")


@router.get(
    "/ready",
    operation_id="getReadiness",
    summary="Can it serve?",
    responses=responses(UnavailableError),
)
async def ready(request: Request) -> Health:
    """Ask this to decide whether to send requests here: the database has to answer."""
    async with database(request).system() as session:
        await session.execute(_PING)
    return Health(status="ok", rules="heard" if engines_of(request).changes.hearing else "asked")
