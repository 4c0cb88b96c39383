"""The stack in containers, for `make test-containers`."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers.stack import HTTPS, Stack, engine, make_certificate
from tests.faults.conftest import figures, pytest_terminal_summary

__all__ = ["figures", "pytest_terminal_summary"]

# Pages are asked of the database each time, and anybody may register, at little cost.
BUSY = {
    "PAGE_CACHE_S": "0",
    "REGISTRATION_LIMIT": "1000000/hour",
    "SEARCH_LIMIT": "",
    "PASSWORD_MEMORY_KIB": "64",
    "PASSWORD_PASSES": "1",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests in this folder need what tests.containers.machine makes: `make test-containers` runs them."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("containers")


@pytest.fixture(scope="session")
def docker() -> Iterator[None]:
    with engine():
        yield


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls") / "live")


@pytest.fixture
def trusting(certificates: Path) -> dict[str, str]:
    """The environment of a client that knows the stack's certificate and nobody else's settings."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "TWINE_"))}
    names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE")
    alone = {"UV_NO_CONFIG": "1", "UV_NO_CACHE": "1", "PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1"}
    return own | alone | dict.fromkeys(names, str(certificates / "ca.pem"))


def with_tls(certificates: Path) -> dict[str, str]:
    """The settings of a site with deploy/tls.yml, and metrics."""
    return {
        "TLS_CERTIFICATES": str(certificates), "HTTPS_PORT": str(HTTPS), "SITE_URL": f"https://localhost:{HTTPS}",
        "HTTPS_ONLY": "1", "METRICS": "1", **BUSY,
    }  # fmt: skip


@pytest.fixture(scope="module")
def secure(docker: None, certificates: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """docker-compose.yml with deploy/tls.yml."""
    folder, settings = tmp_path_factory.mktemp("stack"), with_tls(certificates)
    with Stack(folder, "deploy/tls.yml", **settings).running() as stack:
        yield stack


@pytest.fixture(scope="module")
def plain(docker: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """docker-compose.yml alone."""
    with Stack(tmp_path_factory.mktemp("stack"), **BUSY).running() as stack:
        yield stack
