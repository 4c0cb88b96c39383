"""Real twine, uv and pip against the live site on a real server: what is uploaded can be installed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.live import Run, live
from tests.publishing import attested, uploads
from tests.servers import serving
from webapp.changes.release_rules import set_rule
from webapp.documents import Package
from webapp.documents.package import SESSIONS
from webapp.rules.naming import normalize_name
from webapp.rules.signatures import SignatureVerifier

pytestmark = pytest.mark.real_server


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """The address of the live site."""
    with live(app) as found:
        yield found


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """A folder with a wheel and an sdist of one release."""
    folder = tmp_path / "dist"
    folder.mkdir()
    text = uploads.metadata("larder-probe", "1.0", "Summary: Probes", "Requires-Python: >=3.9", description="# Probe\n")
    (folder / uploads.wheel_name()).write_bytes(uploads.wheel(text=text))
    (folder / uploads.sdist_name()).write_bytes(uploads.sdist(text=text))
    return folder


def twine(run: Run, address: str, secret: str, *files: Path, options: tuple[str, ...] = ()) -> tuple[int, str]:
    result = run(
        *("twine", "upload", "--non-interactive", "--disable-progress-bar", "--repository-url", f"{address}/legacy/"),
        *("-u", "__token__", "-p", secret, *options, *map(str, files)),
    )
    return result.returncode, result.stdout + result.stderr


def test_what_twine_uploads_pip_installs(address: str, dist: Path, run: Run, tmp_path: Path) -> None:
    _, secret = uploads.publisher()

    code, said = twine(run, address, secret, *sorted(dist.iterdir()))
    installed = run(
        *("pip", "install", "--no-deps", "--no-cache-dir", "--disable-pip-version-check", "--target", "got"),
        *("--index-url", f"{address}/simple/", "larder-probe"),
    )

    assert code == 0, said
    assert installed.returncode == 0, installed.stderr
    assert (tmp_path / "got" / "larder_probe.py").read_text() == 'VERSION = "1.0"\n'
    [release] = Package.objects.get(pk="larder-probe").releases
    assert sorted(file.filename for file in release.files) == sorted(path.name for path in dist.iterdir())


def test_what_uv_publishes_uv_installs(address: str, dist: Path, uv: Run, tmp_path: Path) -> None:
    _, secret = uploads.publisher()

    published = uv("publish", "--publish-url", f"{address}/", "--token", secret, "dist/*")
    installed = uv("pip", "install", "--target", "got", "--index-url", f"{address}/simple/", "larder-probe")

    assert published.returncode == 0, published.stderr
    assert installed.returncode == 0, installed.stderr
    assert (tmp_path / "got" / "larder_probe.py").exists()


def test_uv_with_check_url_sends_nothing_twice(address: str, dist: Path, uv: Run) -> None:
    _, secret = uploads.publisher()
    options = ("--publish-url", f"{address}/legacy/", "--token", secret, "--check-url", f"{address}/simple/", "dist/*")
    uv("publish", *options)

    again = uv("publish", *options)

    assert again.returncode == 0, again.stderr
    assert again.stderr.count("already exists, skipping") == 2


def test_uv_prints_the_reason_of_a_refusal(address: str, dist: Path, uv: Run) -> None:
    result = uv("publish", "--publish-url", f"{address}/legacy/", "--token", "larder-wrong", "dist/*")

    assert result.returncode != 0
    # uv breaks its lines where they become long.
    assert "This API token is not valid." in " ".join(result.stderr.split())


def test_twine_prints_the_reason_of_a_refusal_with_verbose_on_the_shipped_server(
    app: Flask, dist: Path, run: Run, tmp_path: Path
) -> None:
    wheel = dist / uploads.wheel_name()

    with serving(tmp_path / "log", app.config["MONGODB_URI"], workers=1, HTTPS_ONLY=0) as site:
        code, said = twine(run, site.address, "larder-wrong", wheel, options=("--verbose",))
        _, said_without = twine(run, site.address, "larder-wrong", wheel)

    # twine breaks its lines where they become long.
    reason = "This API token is not valid. It may have been revoked, or it is incomplete."
    assert code == 1
    assert reason in " ".join(said.split())
    # docs/publishing.md says so.
    assert "403 Forbidden" in " ".join(said_without.split())
    assert reason not in " ".join(said_without.split())


def test_twine_may_send_the_same_file_again_and_no_other(address: str, dist: Path, run: Run) -> None:
    _, secret = uploads.publisher()
    file = dist / uploads.wheel_name()
    twine(run, address, secret, file)

    again, _ = twine(run, address, secret, file)
    file.write_bytes(uploads.wheel(extra={"more.py": ""}))
    other, said = twine(run, address, secret, file)

    assert (again, other) == (0, 1)
    assert "File already exists with different contents" in said


def test_pip_skips_a_yanked_release_and_what_came_later(address: str, run: Run, tmp_path: Path) -> None:
    client_secret = uploads.publisher()[1]
    for version in ("1.0", "2.0"):
        file = tmp_path / uploads.wheel_name(version=version)
        file.write_bytes(uploads.wheel(version=version))
        twine(run, address, client_secret, file)
    package = Package.objects.get()
    package.releases[0].files[0].yanked = package.releases[0].yanked = True
    package.save()
    quiet = ("--no-deps", "--no-cache-dir", "--disable-pip-version-check", "--index-url", f"{address}/simple/")

    found = run("pip", "download", *quiet, "--dest", "got", "larder-probe")
    before = run("pip", "download", *quiet, "--uploaded-prior-to", "2020-01-01", "--dest", "none", "larder-probe")

    assert found.returncode == 0, found.stderr
    assert [path.name for path in (tmp_path / "got").iterdir()] == [uploads.wheel_name()]
    assert before.returncode != 0


def test_pip_reads_the_metadata_alone_to_decide(address: str, dist: Path, run: Run) -> None:
    _, secret = uploads.publisher()
    twine(run, address, secret, *sorted(dist.iterdir()))

    result = run(
        *("pip", "install", "--dry-run", "--no-cache-dir", "--disable-pip-version-check", "-v"),
        *("--index-url", f"{address}/simple/", "larder-probe"),
    )

    assert result.returncode == 0, result.stderr
    assert ".whl.metadata" in result.stdout


@pytest.fixture
def attested_dist(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a published file and its two attestations, for a site that verifies them."""
    monkeypatch.setitem(app.extensions, "signature_verifier", SignatureVerifier())
    folder = tmp_path / "dist"
    folder.mkdir()
    for path in attested.FOLDER.glob(f"{attested.GITHUB}*"):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def signed_by() -> list[str | None]:
    return [file.signed_by for release in Package.objects.get().releases for file in release.files]


def test_attestations_that_uv_sends_are_verified(address: str, attested_dist: Path, uv: Run) -> None:
    _, secret = uploads.publisher()

    published = uv("publish", "--publish-url", f"{address}/legacy/", "--token", secret, "dist/*")

    assert published.returncode == 0, published.stderr
    assert signed_by() == [attested.SIGNERS[attested.GITHUB]]


def test_attestations_that_twine_sends_are_verified(address: str, attested_dist: Path, run: Run) -> None:
    _, secret = uploads.publisher()

    code, said = twine(run, address, secret, *sorted(attested_dist.iterdir()), options=("--attestations",))

    assert code == 0, said
    assert signed_by() == [attested.SIGNERS[attested.GITHUB]]


def test_uv_shows_why_attestations_are_refused(address: str, attested_dist: Path, uv: Run) -> None:
    _, secret = uploads.publisher()
    for path in attested_dist.iterdir():
        path.unlink()
    for path in attested.FOLDER.glob(f"{attested.STAGING}*"):
        (attested_dist / path.name).write_bytes(path.read_bytes())

    published = uv("publish", "--publish-url", f"{address}/legacy/", "--token", secret, "dist/*")

    assert published.returncode != 0
    assert "An attestation cannot be verified: " in " ".join(published.stderr.split())
    assert not Package.objects


def test_twine_and_uv_print_why_a_direct_upload_is_refused(address: str, dist: Path, run: Run, uv: Run) -> None:
    user, secret = uploads.publisher()
    wheel, sdist = (dist / name for name in (uploads.wheel_name(), uploads.sdist_name()))
    assert twine(run, address, secret, wheel)[0] == 0
    set_rule(normalize_name("larder-probe"), SESSIONS, user)

    code, said = twine(run, address, secret, sdist, options=("--verbose",))
    published = uv("publish", "--publish-url", f"{address}/legacy/", "--token", secret, str(sdist))

    for text in (said, published.stderr):
        assert "takes new files through publishing sessions only." in " ".join(text.split()), text
    assert code != 0
    assert published.returncode != 0
