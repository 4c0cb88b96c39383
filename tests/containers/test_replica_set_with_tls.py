"""docker-compose.yml with both deploy/replica-set.yml and deploy/tls.yml."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from uv import find_uv_bin

from tests.containers.conftest import with_tls
from tests.containers.members import MEMBERS, wait_for_all
from tests.containers.stack import HTTP, HTTPS, Stack, upload_token, wait_for
from tests.containers.visitors import run
from tests.publishing import uploads

ADDRESS = f"https://localhost:{HTTPS}"
PROJECT = "larder-twofold"


@pytest.fixture(scope="module")
def both(docker: None, certificates: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder, settings = tmp_path_factory.mktemp("stack"), with_tls(certificates)
    with Stack(folder, "deploy/replica-set.yml", "deploy/tls.yml", **settings).running() as stack:
        wait_for_all(stack)
        yield stack


def kept_by(stack: Stack, service: str) -> list[bytes]:
    """The bytes of the project's files that this member has."""
    with stack.database(service) as client:
        files = client["larder"]["files"].find({"package": PROJECT, "state": "stored"})
        chunks = client["larder"]["contents.chunks"]
        contents = [chunks.find({"files_id": each["content_id"]}).sort("n") for each in files]
        return [b"".join(chunk["data"] for chunk in each) for each in contents]


def test_upload_through_tls_is_kept_by_three_members_and_served(
    both: Stack, certificates: Path, trusting: dict[str, str], tmp_path: Path
) -> None:
    content = uploads.wheel(PROJECT, "1.0")
    file = tmp_path / uploads.wheel_name(PROJECT, "1.0")
    file.write_bytes(content)
    secret = upload_token(both)

    run(find_uv_bin(), "publish", "--publish-url", f"{ADDRESS}/legacy/", "--token", secret, str(file), env=trusting)
    index = ("--index-url", f"{ADDRESS}/simple/")
    run(find_uv_bin(), "pip", "install", "--target", str(tmp_path / "uv"), *index, PROJECT, env=trusting)
    page = requests.get(f"{ADDRESS}/project/{PROJECT}/", verify=str(certificates / "ca.pem"), timeout=20)
    plain = requests.get(f"http://127.0.0.1:{HTTP}/projects/", allow_redirects=False, timeout=20)

    assert [path.name for path in (tmp_path / "uv").glob("*.dist-info")] == ["larder_twofold-1.0.dist-info"]
    assert (page.status_code, PROJECT in page.text) == (200, True)
    assert (plain.status_code, plain.headers["Location"]) == (308, "https://127.0.0.1/projects/")
    for service in MEMBERS:
        wait_for(lambda service=service: kept_by(both, service) == [content], f"the file in {service}", 30)  # type: ignore[misc]


def test_everything_is_healthy_with_both_overlays(both: Stack) -> None:
    assert [both.health(name) for name in (*MEMBERS, "site", "nginx")] == ["healthy"] * 5
