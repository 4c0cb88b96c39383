"""Clients of pinned versions, each in an environment of its own, which is kept from one run to the next."""

import fcntl
import os
import pty
import select
import subprocess
import time
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version as version_of
from pathlib import Path

import pytest
from uv import find_uv_bin

KEPT = (Path(__file__).resolve().parents[2] / ".tools" / "clients").resolve()
KEYRING = ("keyring==25.7.0", "keyrings.alt==5.0.2")
LIMIT_S, ANSWER_S, ANSWER_AFTER_S = 180, 60, 0.5

PIP = "pip==26.3"
UV = f"uv=={version_of('uv')}"

# What a client does not require by itself, or not in a version with which it works; docs/publishing.md says why.
BESIDE = {
    "twine==4.0.2": ("importlib-metadata==7.2.1",),
    "pdm==2.29.4": ("hishel==1.4.0",),
    "poetry==2.5.1": ("poetry-plugin-export==1.10.1",),
}
# Clients that need a newer Python than Larder.
PYTHON = {"bandersnatch==8.2.0": ">=3.12"}
# Settings that a client gets; everything else of its kind is kept away from it.
SETTINGS = {
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "UV_NO_CONFIG": "1",
    "UV_NO_CACHE": "1",
    "UV_SYSTEM_CERTS": "1",
    "POETRY_VIRTUALENVS_IN_PROJECT": "true",
    "PIPENV_VENV_IN_PROJECT": "1",
    "PIPENV_NOSPIN": "1",
    "PDM_CHECK_UPDATE": "false",
    "NO_PROXY": "127.0.0.1",
    "COLUMNS": "500",
    "LANG": "C.UTF-8",
    "PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring",
}
KEPT_OUT = ("PIP_", "UV_", "COV_", "PYTHON", "PDM_", "POETRY_", "HATCH_", "TWINE_", "FLIT_", "VIRTUAL_ENV")

Done = subprocess.CompletedProcess[str]


def environment(requirement: str) -> Path:
    """Return a virtual environment with the client and a keyring in it."""
    folder = KEPT / requirement
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / f"{requirement}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another worker may be making it
        if not (folder / "complete").exists():
            python_version = PYTHON.get(requirement, ">=3.11")
            made = [find_uv_bin(), "venv", "--clear", "--quiet", "--python", python_version, str(folder)]
            if subprocess.run(made, check=False, timeout=120).returncode:
                pytest.skip(f"{requirement} needs Python {python_version}")
            install = [find_uv_bin(), "pip", "install", "--quiet", "--python", str(folder / "bin" / "python")]
            packages = (requirement, *KEYRING, *BESIDE.get(requirement, ()))
            subprocess.run([*install, *packages], check=True, timeout=240)
            (folder / "complete").touch()
    return folder


@dataclass(frozen=True)
class Client:
    """A client such as "pip==26.3", in a home that is empty at first."""

    requirement: str
    home: Path

    @property
    def name(self) -> str:
        return self.requirement.partition("==")[0]

    @property
    def version(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.requirement.partition("==")[2].split("."))

    @cached_property
    def programs(self) -> Path:
        return environment(self.requirement) / "bin"

    def settings(self, **settings: str) -> dict[str, str]:
        """The environment variables of the client."""
        own = {key: value for key, value in os.environ.items() if not key.startswith(KEPT_OUT)}
        # pip and uv run the `keyring` that is on the path; pip leaves that of its own environment out.
        path = f"{self.programs}:{environment(KEYRING[0]) / 'bin'}:{os.environ['PATH']}"
        python = {"UV_PYTHON": str(self.programs / "python")} if self.name == "uv" else {}
        return own | SETTINGS | {"HOME": str(self.home), "PATH": path} | python | settings

    def run(self, program: str, *args: str, stdin: str = "", **settings: str) -> Done:
        """Run a program of the client, away from everybody's settings."""
        return subprocess.run(
            [str(self.programs / program), *args],
            env=self.settings(**settings),
            cwd=self.home,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )

    def answer(self, program: str, *args: str, answers: dict[str, str]) -> tuple[int, str]:
        """Run a program in a terminal, and type the answers to what it asks. Return its exit code and what it said."""
        ours, its = pty.openpty()
        process = subprocess.Popen(
            [str(self.programs / program), *args],
            env=self.settings(),
            cwd=self.home,
            stdin=its,
            stdout=its,
            stderr=its,
            start_new_session=True,
        )
        os.close(its)
        said, left = "", dict(answers)
        while select.select([ours], [], [], ANSWER_S)[0]:
            try:
                said += os.read(ours, 4096).decode(errors="replace")
            except OSError:  # it has ended, and closed the terminal
                break
            for question in [each for each in left if each in said]:
                time.sleep(ANSWER_AFTER_S)  # uv drops what comes while it still sets the terminal up
                os.write(ours, f"{left.pop(question)}\n".encode())
        else:
            process.kill()  # it asks for something else
        os.close(ours)
        return process.wait(LIMIT_S), said

    def installed(self) -> dict[str, str]:
        """What is installed in the home: the version of each project."""
        folders = [*self.home.glob("got"), *self.home.glob(".venv/lib/*/site-packages")]
        found = [path.name.removesuffix(".dist-info") for folder in folders for path in folder.glob("*.dist-info")]
        return {name.replace("_", "-"): version for name, _, version in (each.partition("-") for each in found)}

    def keep_in_keyring(self, service: str, secret: str) -> None:
        """Keep a token in a real keyring, which is a file in the home."""
        kept = self.run("keyring", "set", service, "__token__", stdin=secret)
        assert kept.returncode == 0, kept.stderr

    def keep_in_netrc(self, secret: str) -> None:
        file = self.home / ".netrc"
        file.write_text(f"machine 127.0.0.1\nlogin __token__\npassword {secret}\n")
        file.chmod(0o600)


def said(done: Done) -> str:
    """What a program has printed, with its own line breaks taken out."""
    return " ".join((done.stdout + done.stderr).split())
