"""Publishing sessions as programs open and publish them, and who sees what of them meanwhile."""

from pathlib import Path
from typing import Any

import requests

from tests.clients.programs import PIP, UV, Client
from tests.clients.shop import Shop
from tests.publishing.staging import MEDIA_TYPE

SIMPLE = {"Accept": "application/vnd.pypi.simple.v1+json"}
INSTALL = {
    "pip": (PIP, "pip", "install", "--no-deps", "--no-cache-dir"),
    "uv": (UV, "uv", "pip", "install", "--no-deps"),
}


def ask(shop: Shop, address: str, **fields: object) -> dict[str, Any]:
    """Ask the API of sessions for something, and return what it created."""
    body = {"meta": {"api-version": "2.0"}, **fields}
    headers, token = {"Content-Type": MEDIA_TYPE}, ("__token__", shop.secret)
    answer = requests.post(address, json=body, headers=headers, auth=token, timeout=60)
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


def opened(shop: Shop, project: str, version: str = "1.0") -> dict[str, str]:
    """The links of a new session."""
    links: dict[str, str] = ask(shop, f"http://{shop.host}/upload/", name=project, version=version)["links"]
    return links


def published(shop: Shop, links: dict[str, str]) -> set[str]:
    """Publish a session, and return the names of its files that the index then has."""
    project = ask(shop, links["publish"])["name"]
    return files_of_stage(shop.index_for_all, project)


def stage_for_all(shop: Shop, links: dict[str, str]) -> str:
    """The address of the stage that is enough to install: on a members' site, the token is in it."""
    return links["stage"].replace(f"http://{shop.host}", shop.site_for_all)


def files_of_stage(index: str, project: str) -> set[str]:
    """The files of a project that a stage, or another index, lists; the HTML page lists the same ones."""
    page = requests.get(f"{index}{project}/", headers=SIMPLE, timeout=30)
    assert page.status_code == 200, page.text
    files = {each["filename"] for each in page.json()["files"]}
    html = requests.get(f"{index}{project}/", headers={"Accept": "text/html"}, timeout=30).text
    assert html.count("<a ") == len(files)
    assert all(f">{each}</a>" in html for each in files)
    return files


def is_seen(shop: Shop, project: str) -> bool:
    """Whether others see the project. All pages have to agree; people and programs read those of a public site."""
    read = shop.site_for_all

    def get(path: str) -> requests.Response:
        return requests.get(f"{read}{path}", headers=SIMPLE, timeout=30)

    seen = {
        "page of the index": get(f"/simple/{project}/").status_code == 200,
        "index": project in {each["name"] for each in get("/simple/").json()["projects"]},
        "JSON": get(f"/pypi/{project}/json").status_code == 200,
        "JSON of the release": get(f"/pypi/{project}/1.0/json").status_code == 200,
    }
    if shop.access == "public":
        link = f'href="/project/{project}/"'
        seen["page"] = get(f"/project/{project}/").status_code == 200
        seen["search"] = link in get(f"/search/?q={project}").text
        seen["feed"] = f"/project/{project}/" in get("/rss/updates.xml").text
    assert len(set(seen.values())) == 1, seen
    return seen["JSON"]


def install_from(tool: str, home: Path, project: str, index: str, stage: str = "") -> dict[str, str]:
    """What pip or uv installs of a project from the index, with the stage beside it if there is one."""
    requirement, program, *options = INSTALL[tool]
    folder = home / f"{tool}-{len(list(home.glob(f'{tool}-*')))}"
    folder.mkdir()
    beside = ("--extra-index-url", stage) if stage else ()
    client = Client(requirement, folder)
    client.run(program, *options, "--target", "got", "--index-url", index, *beside, project)
    return client.installed()
