"""How each client resolves, locks and installs."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

from tests.clients.programs import Client, Done

PYPROJECT = """[project]
name = "app"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["{requirement}"]
"""


class Installer(ABC):
    """Installs a requirement into the home. Subclasses say how."""

    # The file that it locks into.
    LOCK = "locked.txt"

    def __init__(self, client: Client, **settings: str) -> None:
        self.client, self._settings = client, settings

    @abstractmethod
    def lock(self, requirement: str, index: str) -> Done:
        """Resolve, and write the lock file."""

    @abstractmethod
    def sync(self, index: str) -> Done:
        """Install what the lock file says."""

    def resolve(self, requirement: str, index: str) -> Done:
        """Find out what would be installed."""
        return self.lock(requirement, index)

    def install(self, requirement: str, index: str) -> Done:
        """Lock and install."""
        locked = self.lock(requirement, index)
        return self.sync(index) if locked.returncode == 0 else locked

    @property
    def locked(self) -> Path:
        return self.client.home / self.LOCK

    def run(self, program: str, *args: str) -> Done:
        return self.client.run(program, *args, **self._settings)


class Pip(Installer):
    LOCK = "pylock.toml"

    def _options(self, index: str) -> tuple[str, ...]:
        return ("--no-cache-dir", "--index-url", index)

    def install(self, requirement: str, index: str) -> Done:
        return self.run("pip", "install", "--target", "got", *self._options(index), requirement)

    def install_file(self, file: str, index: str) -> Done:
        return self.run("pip", "install", "--target", "got", *self._options(index), "-r", file)

    def lock(self, requirement: str, index: str) -> Done:
        return self.run("pip", "lock", requirement, "-o", self.LOCK, *self._options(index))

    def sync(self, index: str) -> Done:
        return self.install_file(self.LOCK, index)

    def resolve(self, requirement: str, index: str) -> Done:
        return self.run("pip", "install", "--dry-run", "--ignore-installed", *self._options(index), requirement)


class Uv(Installer):
    def install(self, requirement: str, index: str) -> Done:
        return self.run("uv", "pip", "install", "--target", "got", "--index-url", index, requirement)

    def install_file(self, file: str, index: str) -> Done:
        return self.run("uv", "pip", "install", "--target", "got", "--index-url", index, "-r", file)

    def lock(self, requirement: str, index: str) -> Done:
        (self.client.home / "in").write_text(requirement)
        return self.run("uv", "pip", "compile", "in", "--generate-hashes", "-o", self.LOCK, "--index-url", index)

    def sync(self, index: str) -> Done:
        return self.install_file(self.LOCK, index)


class PipTools(Installer):
    def lock(self, requirement: str, index: str) -> Done:
        (self.client.home / "in").write_text(requirement)
        options = ("--generate-hashes", "--no-emit-index-url", "--no-emit-trusted-host", "-o", self.LOCK)
        return self.run("pip-compile", "in", *options, "--index-url", index)

    def sync(self, index: str) -> Done:
        python = self.client.home / ".venv" / "bin" / "python"
        if not python.exists():
            self.run("python", "-m", "venv", ".venv")
        return self.run("pip-sync", self.LOCK, "--python-executable", str(python), "--index-url", index)


class Project(Installer):
    """A client that keeps a project with a lock file in an environment of its own."""

    FILE = "pyproject.toml"
    INSTALL: tuple[str, ...] = ()

    @abstractmethod
    def text(self, requirement: str, index: str) -> str:
        """Return the content of FILE."""

    def write(self, requirement: str, index: str) -> None:
        (self.client.home / self.FILE).write_text(self.text(requirement, index))

    def lock(self, requirement: str, index: str) -> Done:
        self.write(requirement, index)
        return self.run(self.client.name, "lock")

    def resolve(self, requirement: str, index: str) -> Done:
        return self.lock(requirement, index)

    def sync(self, index: str) -> Done:
        return self.run(self.client.name, "sync")


class Poetry(Project):
    LOCK = "poetry.lock"

    def text(self, requirement: str, index: str) -> str:
        source = f'[[tool.poetry.source]]\nname = "larder"\nurl = "{index}"\npriority = "primary"\n'
        return PYPROJECT.format(requirement=requirement) + "[tool.poetry]\npackage-mode = false\n" + source

    def run(self, program: str, *args: str) -> Done:
        return super().run(program, *args, "--no-interaction")


class Pdm(Project):
    LOCK = "pdm.lock"

    def text(self, requirement: str, index: str) -> str:
        source = f'[[tool.pdm.source]]\nname = "pypi"\nurl = "{index}"\n'
        return PYPROJECT.format(requirement=requirement) + "[tool.pdm]\ndistribution = false\n" + source


class Pipenv(Project):
    FILE, LOCK = "Pipfile", "Pipfile.lock"

    def text(self, requirement: str, index: str) -> str:
        name, _, version = requirement.partition("==")
        wanted = f"=={version}" if version else "*"
        source = f'[[source]]\nname = "larder"\nurl = "{index}"\nverify_ssl = true\n'
        return f'{source}[packages]\n{name} = "{wanted}"\n'


KINDS: Mapping[str, type[Installer]] = {
    "pip": Pip, "uv": Uv, "pip-tools": PipTools, "poetry": Poetry, "pdm": Pdm, "pipenv": Pipenv
}  # fmt: skip


def installer(client: Client, **settings: str) -> Installer:
    return KINDS[client.name](client, **settings)
