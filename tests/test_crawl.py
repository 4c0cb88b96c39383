"""A crawler's walk: every address of the sitemap and every link leads somewhere, and each page is sound."""

import itertools
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urldefrag, urljoin, urlsplit
from xml.etree import ElementTree as ET

import pytest
from bs4 import BeautifulSoup, Tag
from flask import Flask
from flask.testing import FlaskClient

from tests import factories
from tests.conftest import SHARED_DATA
from webapp.changes import site_stats
from webapp.documents import Maintainer, Release
from webapp.pages.defaults import add_default_pages

HERE = "http://localhost"
# So many addresses of each kind are opened; the rest is made by the same code.
OF_A_KIND = 25
FIELDS = "input:not([type=hidden]), select, textarea"


def in_sitemap(client: FlaskClient) -> Iterator[str]:
    """Every page that the sitemap lists, of all its buckets."""
    for bucket in locations(client, "/sitemap.xml"):
        yield from locations(client, bucket)


def locations(client: FlaskClient, address: str) -> list[str]:
    response = client.get(address)
    assert response.status_code == 200, address
    return [str(found.text) for found in ET.fromstring(response.get_data()).iter() if found.tag.endswith("}loc")]


def check_page(page: BeautifulSoup, address: str) -> None:
    """Check what a reader with a screen reader, and every browser, relies on."""
    assert [str(page.html and page.html.get("lang"))] == ["en"], address
    assert page.title is not None, address
    assert page.title.get_text().removesuffix("· Larder").strip(), address
    assert len(page.select("h1")) == 1, f"{address}: {page.select('h1')}"
    assert page.select("h1")[0].get_text(strip=True), address
    assert len(page.select("main")) == 1, address
    ids = Counter(str(element["id"]) for element in page.select("[id]"))
    assert [key for key, count in ids.items() if count > 1] == [], address
    for field in page.select(FIELDS):
        label = field.get("aria-label") or field.find_parent("label") or page.select(f"label[for='{field.get('id')}']")
        assert label, field
    for link in page.select("a[href], button"):
        assert link.get_text(strip=True) or link.get("aria-label") or link.select("img[alt]"), f"{address}: {link}"
    for element in page.select("[aria-labelledby], [aria-controls], label[for]"):
        named = str(element.get("aria-labelledby") or element.get("aria-controls") or element.get("for"))
        assert named in ids, f"{address}: {named}"
    assert page.select("img:not([alt]), a a, a button, button a, p p, ul > a, ul > p") == [], address
    levels = [int(heading.name[1]) for heading in page.select("h1, h2, h3, h4, h5, h6") if not in_description(heading)]
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), f"{address}: {levels}"


def in_description(element: Tag) -> bool:
    return element.find_parent(class_="description") is not None


def crawl(app: Flask, client: FlaskClient, of_a_kind: int) -> Counter[str]:
    """Open `of_a_kind` addresses of each kind, and return how many there were."""
    waiting = ["/", *in_sitemap(client)]
    seen, kinds = set(waiting), Counter[str]()
    adapter = app.url_map.bind("localhost")
    while waiting:
        address = waiting.pop()
        kind = str(adapter.match(urlsplit(address).path)[0])
        kinds[kind] += 1
        if kinds[kind] > of_a_kind:
            continue
        # Packages know their maintainers by id; a user with a username has another address.
        response = client.get(address, buffered=True, follow_redirects=kind == "accounts.profile")
        assert response.status_code == 200, f"{address}: {response.status}"
        if response.mimetype != "text/html" or kind.startswith("index_api"):
            continue
        page = BeautifulSoup(response.get_data(as_text=True), "html.parser")
        check_page(page, address)
        for link in page.select("a[href], link[href]"):
            target, fragment = urldefrag(urljoin(urljoin(HERE, address), str(link["href"])))
            if fragment and target == urljoin(HERE, address) and not in_description(link):
                assert page.select(f"[id='{fragment}']"), f"{address}: #{fragment}"
            # What authors link to in their descriptions is theirs, and members' own pages are not for everybody.
            if urlsplit(target).path.startswith(("/account", "/manage/")) or in_description(link):
                continue
            if urlsplit(target).netloc == "localhost" and target not in seen:
                seen.add(target)
                waiting.append(target)
    return kinds


LICENCES = ["MIT", "BSD License", "GPL (>= 2) / Artistic", "http://example.org/LICENCE//x", "100% free?"]
CLASSIFIERS = ["Topic :: Internet", "Programming Language :: C++", "Framework :: Odd / Even?#%"]


def varied_catalogue() -> None:
    ada, grace = factories.user("Ada Lovelace", username="ada"), factories.user("Grace / Hopper")
    for number in range(25):
        factories.package(
            f"Package.{number}",
            releases=[f"1.{minor}" for minor in range(1 + 60 * (number == 3))],
            license=LICENCES[number % 5],
            classifiers=CLASSIFIERS[: number % 4],
            keywords=["jam & honey", "#1", "a/b"][: number % 4],
            maintainers=[Maintainer(user_id=user.id, name=user.name) for user in (ada, grace)][: number % 3],
            description="# Title\n\n## Part\n\nSome [words](#part) <b id='content'>bold</b> <i id='files'>x</i>\n",
            description_content_type="text/markdown",
        )
    odd: list[Release | str] = [
        "2.0rc1",
        "1!1.0",
        "1.0+local.1",
        "1.0.post1",
        "0.9-horsea",
        factories.release("3.0", yanked=True),
    ]
    factories.package("odd-versions", releases=odd)
    factories.package("no-releases", releases=[])
    factories.package("no-files", releases=[factories.release("1.0", files=[])])
    wheels = [factories.release_file(filename=f"a-1.0-cp31{n}-cp31{n}-any.whl") for n in range(3)]
    factories.package("wheels", releases=[factories.release("1.0", files=wheels)])
    add_default_pages()
    site_stats.refresh()


def test_every_address_and_link_of_a_varied_site_leads_to_a_sound_page(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    varied_catalogue()
    monkeypatch.setitem(app.config, "STATS_MAX_AGE_S", 3600)

    kinds = crawl(app, client, OF_A_KIND)

    assert kinds["packages.project"] >= 29 + 60
    assert kinds["packages.compare"] >= 60
    assert kinds["packages.license_page"] == 5
    assert kinds["accounts.profile"] >= 2
    assert {"home.index", "stats.index", "search.search", "pages.page", "packages.classifier"} <= kinds.keys()


@pytest.mark.again
@pytest.mark.real_server  # the import of so many files takes mongomock long
def test_every_kind_of_address_of_a_real_catalogue_leads_to_a_sound_page(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not SHARED_DATA.is_dir():
        pytest.skip("the real documents are not here; the varied catalogue stands for them")
    assert app.test_cli_runner().invoke(args=["packages", "import", str(SHARED_DATA / "pypi-json")]).exit_code in (0, 1)
    add_default_pages()
    monkeypatch.setitem(app.config, "STATS_MAX_AGE_S", 3600)

    kinds = crawl(app, client, OF_A_KIND)

    assert kinds["packages.project"] > 72
    for response in (client.get(address) for address in in_sitemap(client)):
        assert response.status_code == 200


@pytest.mark.parametrize("address", ["/nothing", "/project/nothing/", "/projects/?page=x", "/search/?q=" + "x" * 1001])
def test_error_pages_are_sound_too(client: FlaskClient, address: str) -> None:
    page = BeautifulSoup(client.get(address).get_data(as_text=True), "html.parser")

    check_page(page, address)
