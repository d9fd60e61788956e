"""One module a claim. Each has `async def run(settings)`, which measures on a private server and returns a `Result`.

A ratio compares with a peer or a limit measured in the same run; above 1 is faster than it.
"""

from typing import Any, TypedDict


class Result(TypedDict):
    """What a benchmark found: ratios that are claims, and details that explain them."""

    name: str
    ratios: dict[str, float]
    details: dict[str, Any]
