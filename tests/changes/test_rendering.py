"""Whose text cannot be rendered is told so, everything else goes on, and an operator finds and mends it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner

from tests.changes.conftest import PROBLEM
from tests.changes.pypi_documents import document
from tests.people import Browser, signed_in
from tests.publishing import uploads
from tests.reading import one, page_of, read, texts, words
from webapp import rendering
from webapp.changes import changing
from webapp.changes import rendering as changes_rendering
from webapp.documents import Package, Page, User
from webapp.inspection.check import check
from webapp.rendering import Rendered, RenderersBusy

NAME = "larder-probe"
Publish = Callable[..., str]


@pytest.fixture
def ada(app: Flask) -> Browser:
    return signed_in(app)


@pytest.fixture
def publish(client: FlaskClient, ada: Browser) -> Publish:
    """Let Ada publish a wheel with a description; return what the tool prints."""

    def publish(description: str, version: str = "1.0") -> str:
        secret = uploads.token_of(User.objects.get(name="Ada Lovelace"))
        content = uploads.wheel(version=version, text=uploads.metadata(NAME, version, description=description))
        answer = uploads.upload(client, secret, content, uploads.wheel_name(version=version))
        assert answer.status_code == 200, answer.text
        return answer.text

    return publish


def test_upload_is_published_and_its_uploader_told_why_the_description_is_plain(
    client: FlaskClient, ada: Browser, publish: Publish, breaking: pytest.MonkeyPatch
) -> None:
    answer = publish("burn")

    assert answer.endswith(f"/project/larder-probe/1.0/\nWarning: The description could not be rendered. {PROBLEM}\n")
    assert words(one(read(client, f"/project/{NAME}/"), "pre.description-plain")) == "burn"
    for page in ("", "settings", "history", "maintainers"):
        banners = texts(page_of(ada.get(f"/manage/{NAME}/{page}")), ".banner-warn")
        assert banners == [f"The description of {NAME} could not be rendered. {PROBLEM}"]


def test_next_release_with_another_description_is_rendered_and_nothing_is_said_any_more(
    client: FlaskClient, ada: Browser, publish: Publish, breaking: pytest.MonkeyPatch
) -> None:
    publish("burn")

    answer = publish("fine", version="2.0")

    assert answer.endswith("/project/larder-probe/2.0/\n")
    assert words(one(read(client, f"/project/{NAME}/"), ".description p")) == "FINE"
    assert texts(page_of(ada.get(f"/manage/{NAME}/settings")), ".banner-warn") == []
    assert "description_problem" not in (Package._get_collection().find_one({}) or {})


def test_upload_while_all_children_are_busy_is_refused_and_leaves_nothing(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> Rendered:
        raise RenderersBusy

    monkeypatch.setattr(changes_rendering, "render_description", busy)
    _, secret = uploads.publisher()

    answer = uploads.upload(client, secret, uploads.wheel(), uploads.wheel_name())

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.text.startswith("Too many descriptions are being rendered right now.")
    assert Package.objects.count() == 0
    monkeypatch.undo()
    assert uploads.upload(client, secret, uploads.wheel(), uploads.wheel_name()).status_code == 200


@pytest.mark.parametrize(
    "act",
    [("yank/2.0", {"reason": "It loses data"}), ("delete-release/2.0", {"typed": "larder-probe 2.0"})],
    ids=["yanking", "deleting"],
)
def test_nothing_is_rendered_while_a_lock_is_held(
    client: FlaskClient,
    ada: Browser,
    publish: Publish,
    monkeypatch: pytest.MonkeyPatch,
    act: tuple[str, dict[str, str]],
) -> None:
    rendered: list[str] = []

    def watched(text: str, content_type: str | None) -> Rendered:
        assert not any(lock.locked() for lock in changing._LOCKS)
        rendered.append(text)
        return rendering.render_description(text, content_type)

    monkeypatch.setattr(changes_rendering, "render_description", watched)
    publish("*old*")
    publish("*new*", version="2.0")
    address, fields = act

    answer = ada.send(f"/manage/{NAME}/{address}", **fields)

    assert answer.status_code == 302
    assert rendered == ["*old*", "*new*"]  # what is shown again was rendered when it was published
    assert words(one(read(client, f"/project/{NAME}/"), ".description em")) == "old"


def test_import_keeps_the_package_and_says_why_its_description_is_plain(
    runner: FlaskCliRunner, tmp_path: Path, breaking: pytest.MonkeyPatch
) -> None:
    for name, description in (("one", "burn"), ("two", "fine")):
        (tmp_path / f"{name}.json").write_text(json.dumps(document(name, description=description)))

    result = runner.invoke(args=["packages", "import", str(tmp_path)])

    assert result.exit_code == 1
    assert f"one.json: the description could not be rendered: {PROBLEM}\n" in result.stderr
    assert "two.json" not in result.stderr
    assert "2 packages imported (2 new, 0 updated)" in result.stdout
    assert Package.objects.get(pk="one").description_html == '<pre class="description-plain">burn</pre>'
    assert Package.objects.get(pk="two").description_html == "<p>FINE</p>"


def test_pages_that_are_imported_say_why_they_are_plain(
    runner: FlaskCliRunner, tmp_path: Path, breaking: pytest.MonkeyPatch
) -> None:
    (tmp_path / "terms.md").write_text("# Terms\n\nburn")

    result = runner.invoke(args=["pages", "import", str(tmp_path)])

    assert result.exit_code == 1
    assert f"terms.md: could not be rendered: {PROBLEM}\n" in result.stderr
    assert Page.objects.get().content == "burn"


def test_editor_is_told_why_a_page_is_plain(app: Flask, breaking: pytest.MonkeyPatch) -> None:
    admin = signed_in(app, "Grace Hopper", is_admin=True)
    address, fields = "/admin/pages/edit/terms", {"title": "Terms", "content": "burn"}

    admin.send("/admin/pages/new", path="terms", **fields)
    told = texts(page_of(admin.get(address)), ".banner")
    preview = page_of(admin.send(address, **fields, preview="1"))
    stored = Page.objects.get()
    admin.send(address, **fields | {"content": "fine"})

    assert told == ["The page was created.", PROBLEM]
    assert texts(preview, ".preview .banner") == [PROBLEM]
    assert (stored.content_html, stored.content_problem) == ('<pre class="description-plain">burn</pre>', PROBLEM)
    assert (Page.objects.get().content_html, Page.objects.get().content_problem) == ("<p>FINE</p>", None)


@pytest.mark.real_server
def test_check_lists_what_could_not_be_rendered_and_repair_renders_it_again(
    runner: FlaskCliRunner, publish: Publish, breaking: pytest.MonkeyPatch
) -> None:
    publish("burn")
    Page(path="terms", title="Terms", content="burn", content_html="burn", content_problem=PROBLEM).save()

    before = [finding[:3] for finding in check()]
    in_vain = runner.invoke(args=["db", "repair"])
    breaking.undo()
    repaired = runner.invoke(args=["db", "repair"])

    assert before == [("packages", NAME, "rendering"), ("pages", "terms", "rendering")]
    assert "0 repaired, 2 left." in in_vain.output
    assert "2 repaired, 0 left." in repaired.output
    assert list(check()) == []
    assert Package.objects.get().description_html == "<p>burn</p>\n"
    assert Page.objects.get().content_html == "<p>burn</p>\n"
