"""What an answer of another index means for readers of this one."""

import pytest
from requests import Response

from webapp.upstream.errors import UpstreamBusy, UpstreamFailed, UpstreamRefused, failure_of


def failure(status: int, retry_after: str | None = None) -> UpstreamFailed:
    answer = Response()
    answer.status_code = status
    if retry_after is not None:
        answer.headers["Retry-After"] = retry_after
    return failure_of("pypi.org", answer, "jam")


@pytest.mark.parametrize("status", [401, 403, 404, 410, 451])
def test_refusal_is_passed_on_as_it_is(status: int) -> None:
    error = failure(status)

    assert isinstance(error, UpstreamRefused)
    assert (error.status, error.retry_after_s, str(error)) == (status, None, f"pypi.org answered {status} for jam")


@pytest.mark.parametrize("status", [400, 402, 500, 502, 418])
def test_other_failure_is_a_bad_gateway(status: int) -> None:
    error = failure(status, "7")

    assert type(error) is UpstreamFailed
    assert (error.status, error.retry_after_s) == (502, None)


@pytest.mark.parametrize("status", [429, 503, 504])
@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        (None, 5),
        ("7", 7),
        ("0", 1),
        ("3600", 60),
        ("Fri, 27 Nov 2026 10:00:00 GMT", 5),
        ("-3", 5),
        ("1" * 10, 5),
        ("", 5),
    ],
)
def test_busy_index_may_be_tried_again_soon(status: int, retry_after: str | None, seconds: int) -> None:
    error = failure(status, retry_after)

    assert isinstance(error, UpstreamBusy)
    assert (error.status, error.retry_after_s) == (503, seconds)
