"""What a release requires comes from its wheels; installers build an sdist to learn what it requires."""

import gzip
import io
import tarfile

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.live import Run, live
from tests.publishing import uploads
from tests.publishing.uploads import metadata, sdist, sdist_name, upload, wheel, wheel_name
from tests.reading import links, read
from webapp.documents import Package, StoredFile

V1_JSON = "application/vnd.pypi.simple.v1+json"
WHOLE = metadata("larder-probe", "1.0", "Summary: Of the wheel", "Requires-Dist: larder-base")
# What setuptools wrote into PKG-INFO for years: not a word about dependencies.
POOR = metadata("larder-probe", "1.0", "Summary: Of the sdist")
BACKEND = """
import pathlib

def prepare_metadata_for_build_wheel(folder, config_settings=None):
    info = pathlib.Path(folder, "larder_probe-1.0.dist-info")
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.2\\nName: larder-probe\\nVersion: 1.0\\nRequires-Dist: larder-base\\n")
    return info.name
"""  # noqa: E501 - a line of METADATA cannot be broken


def sdist_that_tells_more_when_it_is_built() -> bytes:
    """An sdist whose PKG-INFO names no dependency, and whose build, which needs no network, does."""
    files = {
        "PKG-INFO": metadata("larder-probe", "1.0", "Dynamic: Requires-Dist").replace("Version: 2.1", "Version: 2.2"),
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        "backend.py": BACKEND,
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, text in files.items():
            member = tarfile.TarInfo(f"larder_probe-1.0/{path}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return gzip.compress(packed.getvalue())


@pytest.mark.real_server
def test_pip_installs_what_an_sdist_requires_although_its_metadata_do_not_say_so(app: Flask, run: Run) -> None:
    _, secret = uploads.publisher()
    upload(app.test_client(), secret, wheel("larder-base"), wheel_name("larder-base"))
    upload(app.test_client(), secret, sdist_that_tells_more_when_it_is_built(), sdist_name())

    with live(app) as address:
        result = run(
            *("pip", "install", "--dry-run", "--no-cache-dir", "--disable-pip-version-check"),
            *("--index-url", f"{address}/simple/", "larder-probe"),
        )

    assert result.returncode == 0, result.stderr
    assert "Would install larder-base-1.0 larder-probe-1.0" in result.stdout
    assert ".tar.gz.metadata" not in result.stdout


def test_metadata_of_a_wheel_are_offered_and_those_of_an_sdist_are_not(client: FlaskClient) -> None:
    _, secret = uploads.publisher()
    upload(client, secret, wheel(text=WHOLE), wheel_name())
    upload(client, secret, sdist(text=POOR), sdist_name())

    found = client.get("/simple/larder-probe/", headers={"Accept": V1_JSON}).json or {}

    digest = {"sha256": uploads.sha256(WHOLE.encode())}
    assert {file["filename"]: file["core-metadata"] for file in found["files"]} == {
        wheel_name(): digest,
        sdist_name(): False,
    }
    codes = {file["filename"]: client.get(f"{file['url']}.metadata").status_code for file in found["files"]}
    assert codes == {wheel_name(): 200, sdist_name(): 404}
    digests = {file.filename: file.metadata_sha256 for file in Package.objects.get().releases[0].files}
    assert digests == {wheel_name(): digest["sha256"], sdist_name(): None}
    # They are kept: where there is no wheel, they describe the project.
    assert StoredFile.objects.get(pk=sdist_name()).metadata == POOR


@pytest.mark.parametrize("wheel_first", [True, False])
def test_wheel_describes_the_project_whichever_file_comes_first(client: FlaskClient, wheel_first: bool) -> None:  # noqa: FBT001 - pytest calls it
    _, secret = uploads.publisher()
    files = [(wheel(text=WHOLE), wheel_name()), (sdist(text=POOR), sdist_name())]

    for content, filename in files if wheel_first else reversed(files):
        assert upload(client, secret, content, filename).status_code == 200

    package = Package.objects.get()
    assert (package.summary, package.requires_dist) == ("Of the wheel", ["larder-base"])
    page = read(client, "/used-by/larder-base/")
    assert "/project/larder-probe/" in [address for _, address in links(page, "main a")]


def test_sdist_describes_a_release_that_has_no_wheel(client: FlaskClient) -> None:
    _, secret = uploads.publisher()
    upload(client, secret, wheel(text=WHOLE), wheel_name())
    text = metadata("larder-probe", "2.0", "Summary: Of the next sdist")

    upload(client, secret, sdist(version="2.0", text=text), sdist_name(version="2.0"))

    assert Package.objects.get().summary == "Of the next sdist"
