"""What an answer, or none, means for a call."""

import httpx
import pytest

from entrepot.mirakl.failures.outcomes import Outcome, of_exception, of_status

D, T, P, U = Outcome.DONE, Outcome.TRANSIENT, Outcome.PERMANENT, Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("status", "idempotent", "otherwise"),
    [
        (200, D, D), (204, D, D),
        (301, P, P),
        (400, P, P), (401, P, P), (403, P, P), (404, P, P), (409, P, P), (422, P, P),
        (408, T, T), (425, T, T), (429, T, T), (503, T, T),
        (500, T, U), (502, T, U), (504, T, U), (520, T, U),
    ],
)  # fmt: skip
def test_a_status(status: int, idempotent: Outcome, otherwise: Outcome) -> None:
    assert of_status(status, idempotent=True) is idempotent
    assert of_status(status, idempotent=False) is otherwise


@pytest.mark.parametrize(
    ("error", "idempotent", "otherwise"),
    [
        (httpx.ConnectError("refused"), T, T),
        (httpx.ConnectTimeout("silent"), T, T),
        (httpx.PoolTimeout("busy"), T, T),
        (httpx.ReadTimeout("silent"), T, U),
        (httpx.WriteError("broken"), T, U),
        (httpx.ReadError("broken"), T, U),
        (httpx.RemoteProtocolError("closed"), T, U),
        (httpx.DecodingError("no gzip"), T, U),
    ],
)
def test_a_broken_connection(error: httpx.RequestError, idempotent: Outcome, otherwise: Outcome) -> None:
    assert of_exception(error, idempotent=True) is idempotent
    assert of_exception(error, idempotent=False) is otherwise
