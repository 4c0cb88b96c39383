"""The API of sessions on the site's own web server, which hands over bodies in another way than the test client."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import requests
from flask import Flask

from tests.publishing import uploads
from tests.publishing.upload_client import Answer, Client, Refused
from tests.publishing.uploads import sdist, sdist_name, wheel, wheel_name
from tests.servers import ROOT, Site, serving
from webapp.changes import claims
from webapp.changes.new_names import allow
from webapp.documents import Package

pytestmark = pytest.mark.real_server


@pytest.fixture(scope="module")
def served(site: Flask, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site under `flask serve`, on the test's own database."""
    log = tmp_path_factory.mktemp("served") / "log"
    with serving(log, site.config["MONGODB_URI"], workers=1, HTTPS_ONLY=0) as running:
        yield running


@pytest.fixture
def secret(served: Site, app: Flask) -> str:
    """The token of a member."""
    return uploads.publisher()[1]


def client_of(served: Site, secret: str) -> Client:
    """A client of the draft, with a token."""

    def send(method: str, address: str, headers: dict[str, str], body: bytes) -> Answer:
        answer = requests.request(method, address, headers=headers, data=body, auth=("__token__", secret), timeout=60)
        assert answer.status_code != 500, served.log()
        said = {name.lower(): each for name, each in answer.headers.items()}
        return Answer(answer.status_code, said, answer.content)

    return Client(f"{served.address}/upload/", send)


@pytest.fixture
def pep694(served: Site, secret: str) -> Client:
    """A client with an open session."""
    opened = client_of(served, secret)
    opened.open("larder-probe", "1.0")
    return opened


def test_release_is_published_by_the_draft_alone(served: Site, pep694: Client) -> None:
    large = wheel(extra={"data": os.urandom(3_000_000)})
    pep694.upload(wheel_name(), large)
    pep694.upload(sdist_name(), sdist())

    pep694.publish()

    listed = requests.get(f"{served.address}/pypi/larder-probe/json", timeout=10).json()["urls"]
    assert {each["filename"] for each in listed} == {wheel_name(), sdist_name()}
    [address] = [each["url"] for each in listed if each["filename"] == wheel_name()]
    assert requests.get(address, timeout=10).content == large


@pytest.mark.parametrize("is_chunked", [False, True], ids=["length told", "chunked"])
def test_bytes_of_another_number_than_announced_are_refused(pep694: Client, secret: str, *, is_chunked: bool) -> None:
    upload = pep694.announce(wheel_name(), wheel())
    address = upload["mechanism"]["file_url"]

    for content, expected in ((wheel()[:-1], {400}), (wheel() + b"x", {400, 413}), (wheel() + b"xy", {413})):
        answer = requests.post(
            address,
            data=iter([content]) if is_chunked else content,
            headers={"Content-Type": "application/octet-stream"},
            auth=("__token__", secret),
            timeout=30,
        )
        assert answer.status_code in expected, answer.text
    pep694.send_bytes(upload, wheel())
    pep694.complete(upload)


def test_attestations_of_exactly_the_limit_arrive(pep694: Client) -> None:
    upload = pep694.announce(wheel_name(), wheel())

    pep694.send_attestations(upload, ["x" * (200_000 - 4)])

    with pytest.raises(Refused) as refused:
        pep694.send_attestations(upload, ["x" * (200_001 - 4)])
    assert refused.value.status == 413


def test_recipe_for_curl_works_as_the_docs_give_it(served: Site, secret: str, tmp_path: Path) -> None:
    files = {wheel_name("hello-larder"): wheel("hello-larder"), sdist_name("hello-larder"): sdist("hello-larder")}
    (tmp_path / "dist").mkdir()
    for name, content in files.items():
        (tmp_path / "dist" / name).write_bytes(content)
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "docs/publishing.md").read_text(), re.DOTALL)
    [release] = [each for each in blocks if "session.json" in each]
    [upload] = [each for each in blocks if "mechanism file_url" in each]
    # What builds, uploads by the form, installs and tests is not curl.
    others = ("python -m build", "TWINE_USERNAME", "pip install", "pytest")
    lines = [line for line in release.splitlines() if not line.startswith(others)]
    place = lines.index("# 3. When all of them succeeded: publish.")
    script = "\n".join([*lines[:place], upload, *lines[place:]])

    done = subprocess.run(
        ["sh"],
        input=script.replace("https://packages.example.org", served.address),
        # The recipe's `python` is the one that runs the tests.
        env=os.environ | {"TOKEN": secret, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert {each.filename for each in Package.objects.get().releases[0].files} == set(files)


def test_requests_about_one_file_at_once_leave_nothing_behind(served: Site, pep694: Client) -> None:
    """Bytes are sent again, and the file is completed twice and removed, in every order."""
    content = wheel(extra={"data": os.urandom(3_000_000)})

    def tried(act: Callable[[], object]) -> int:
        try:
            act()
        except Refused as refused:
            return refused.status
        return 200

    for _ in range(8):
        upload = pep694.announce(wheel_name(), content)
        pep694.send_bytes(upload, content)
        acts = [
            partial(pep694.complete, upload),
            partial(pep694.send_bytes, upload, content),
            partial(pep694.complete, upload),
            partial(pep694.delete, upload),
        ]
        with ThreadPoolExecutor(len(acts)) as people:
            codes = set(people.map(tried, acts))
        assert codes <= {200, 400, 404, 409, 503}, served.log()
        tried(partial(pep694.delete, upload))

    claims.settle_leftovers()
    assert uploads.nothing_stays()


def test_attestations_never_make_a_session_larger_than_a_document_may_be(pep694: Client) -> None:
    large, refused = ["x" * 199_000], []
    for number in range(50):
        upload = pep694.announce(f"larder_probe-1.0-py{number}-none-any.whl", wheel())
        try:
            pep694.send_attestations(upload, large)
        except Refused as told:
            refused.append(told.status)

    assert set(refused) == {413}
    assert len(pep694.refresh()["files"]) == 50


@pytest.mark.parametrize("is_allowed", [False, True], ids=["any name", "allowed name"])
def test_of_three_who_open_sessions_for_a_new_name_at_once_one_gets_it(
    served: Site, secret: str, *, is_allowed: bool
) -> None:
    if is_allowed:
        allow("larder-probe")
    secrets = [secret, *(uploads.publisher(name)[1] for name in ("Grace", "Linus"))]

    def open_one(number: int) -> tuple[int, int]:
        try:
            client_of(served, secrets[number % 3]).open("larder-probe", f"1.{number}")
        except Refused as refused:
            return number % 3, refused.status
        return number % 3, 201

    with ThreadPoolExecutor(10) as people:
        answers = list(people.map(open_one, range(10)))

    [winner] = {who for who, code in answers if code == 201}
    assert {code for who, code in answers if who != winner} == {409}
    assert {code for who, code in answers if who == winner} == {201}
    going_on = client_of(served, secrets[winner])
    going_on.open("larder-probe", "1.0.post1")
    going_on.upload(wheel_name(version="1.0.post1"), wheel(version="1.0.post1"))
    going_on.publish()
