"""Post one message to the address of a webhook, within bounds."""

import time
from typing import NamedTuple

import requests

from webapp.upstream.bounded import LATE, BoundedAdapter, PrivateAddress, without_credentials
from webapp.upstream.fetching import host_of

# For the connection, and again for the answer.
TIMEOUT_S = 10.0
USER_AGENT = "Larder (webhook)"


class Outcome(NamedTuple):
    """What came of a try: the status code of the answer, or why there was none."""

    status: int | None
    problem: str | None
    took_s: float

    @property
    def is_success(self) -> bool:
        """Whether the receiver has the message. Redirects are not followed, so they are failures."""
        return self.status is not None and 200 <= self.status < 300


def post(url: str, body: bytes, headers: dict[str, str], private_hosts: frozenset[str]) -> Outcome:
    """Post a JSON body; only `private_hosts` may have private addresses. Nothing of the answer's body is read."""
    started = time.monotonic()
    with requests.Session() as session:
        for scheme in ("http://", "https://"):
            session.mount(scheme, BoundedAdapter(TIMEOUT_S, lambda: host_of(url).lower() in private_hosts))
        try:
            with session.post(
                url,
                data=body,
                headers={"Content-Type": "application/json", "User-Agent": USER_AGENT, **headers},
                timeout=TIMEOUT_S,
                allow_redirects=False,
                stream=True,
                auth=without_credentials,
            ) as response:
                return Outcome(response.status_code, None, time.monotonic() - started)
        except PrivateAddress:
            problem = "its address is private, and WEBHOOK_PRIVATE_HOSTS does not list it"
        except requests.exceptions.SSLError:
            problem = "its certificate is not valid, or it does not speak TLS"
        except (requests.Timeout, TimeoutError):
            problem = f"no answer within {TIMEOUT_S:.0f} seconds"
        except requests.ConnectionError as error:
            problem = f"no answer within {TIMEOUT_S:.0f} seconds" if LATE in str(error) else "it cannot be reached"
        except (requests.RequestException, ValueError) as error:
            problem = f"it cannot be asked: {type(error).__name__}"
    return Outcome(None, problem, time.monotonic() - started)
