"""A client of PEP 694, as there may be one, against both sites: no tool speaks it yet."""

from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests

from tests.clients.sessions import files_of_stage, install_from, is_seen
from tests.clients.shop import Shop
from tests.publishing import uploads
from tests.publishing.upload_client import Answer, Client, Refused

pytestmark = [pytest.mark.real_server, pytest.mark.clients]


def client_of(shop: Shop) -> Client:
    def send(method: str, address: str, headers: dict[str, str], body: bytes) -> Answer:
        token = ("__token__", shop.secret)
        answer = requests.request(method, address, headers=headers, data=body, auth=token, timeout=60)
        said = {name.lower(): value for name, value in answer.headers.items()}
        if "location" in said:
            said["location"] = urljoin(address, said["location"])
        return Answer(answer.status_code, said, answer.content)

    return Client(f"http://{shop.host}/upload/", send)


def test_release_is_staged_tested_and_published_by_the_draft_alone(shop: Shop, home: Path) -> None:
    project = f"by-the-draft-{shop.access}"
    wheel, sdist = uploads.wheel_name(project), uploads.sdist_name(project)
    client = client_of(shop)
    client.open(project, "1.0")
    client.upload(sdist, uploads.sdist(project))
    mistaken = client.upload(wheel, uploads.wheel(project, extra={"mistake.py": ""}))
    client.delete(mistaken)
    client.upload(wheel, uploads.wheel(project))
    links = client.refresh()["links"]
    stage = links["stage"].replace(f"http://{shop.host}", shop.site_for_all)

    assert files_of_stage(stage, project) == {wheel, sdist}
    assert not is_seen(shop, project)
    for tool in ("pip", "uv"):
        assert install_from(tool, home, project, shop.index_for_all) == {}
        assert install_from(tool, home, project, shop.index_for_all, stage) == {project: "1.0"}
    client.publish()

    assert client.refresh()["status"] == "published"
    assert is_seen(shop, project)
    assert files_of_stage(shop.index_for_all, project) == {wheel, sdist}
    for tool in ("pip", "uv"):
        assert install_from(tool, home, project, shop.index_for_all) == {project: "1.0"}


def test_release_that_was_cancelled_leaves_no_trace(shop: Shop) -> None:
    project = f"cancelled-{shop.access}"
    client = client_of(shop)
    client.open(project, "1.0")
    client.upload(uploads.wheel_name(project), uploads.wheel(project))
    stage = client.session["links"]["stage"].replace(f"http://{shop.host}", shop.site_for_all)

    client.cancel()

    assert requests.get(f"{stage}{project}/", timeout=30).status_code == 404
    assert not is_seen(shop, project)
    # The file's name is free.
    client.open(project, "1.0")
    client.upload(uploads.wheel_name(project), uploads.wheel(project, extra={"other.py": ""}))
    client.publish()
    assert is_seen(shop, project)


def test_each_request_is_authorized_anew(shop: Shop) -> None:
    client = client_of(shop)
    client.open(f"withdrawn-{shop.access}", "1.0")
    stranger = client_of(Shop(shop.running, "larder-wrong", shop.access))
    stranger.session = client.session

    for act in (stranger.refresh, stranger.publish, stranger.cancel):
        with pytest.raises(Refused) as refused:
            act()
        assert refused.value.status == 403
    assert client.refresh()["status"] == "open"
