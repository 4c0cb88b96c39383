"""A running site with a few releases, to which the clients go."""

import gzip
import io
import tarfile
from dataclasses import dataclass

from tests.publishing import uploads
from tests.servers import Site

NAME, VERSIONS = "larder-probe", ("1.0", "2.0", "3.0")
APP = "larder-app"  # requires larder-probe
SOURCE = "larder-source"  # has only an sdist


@dataclass(frozen=True)
class Shop:
    """A running site. `secret` is an API token that may upload and install."""

    running: Site
    secret: str
    access: str

    @property
    def host(self) -> str:
        return self.running.address.removeprefix("http://")

    def index(self, user: str = "") -> str:
        """The address of the simple index, with a user (name, or name:password) in it if one is given."""
        return f"http://{user}{'@' if user else ''}{self.host}/simple/"

    @property
    def index_with_token(self) -> str:
        return self.index(f"__token__:{self.secret}")

    @property
    def index_for_all(self) -> str:
        """The address that is enough to install: on a members' site, the token is in it."""
        return self.index_with_token if self.access == "members" else self.index()

    @property
    def site_for_all(self) -> str:
        return self.index_for_all.removesuffix("/simple/")

    @property
    def upload_address(self) -> str:
        return f"http://{self.host}/legacy/"

    def requests(self) -> list[str]:
        """What the site was asked so far: "GET /simple/flask/ 200" and the like."""
        told = [line.partition('"message": "')[2] for line in self.running.log().splitlines()]
        return [" ".join(line.split()[:3]) for line in told if line.startswith(("GET ", "POST ", "HEAD "))]


def sdist() -> bytes:
    """An sdist that builds itself, so that nothing else has to be installed."""
    folder, wheel = "larder_source-1.0", uploads.wheel_name(SOURCE)
    backend = f"""import pathlib, shutil

def build_wheel(folder, config_settings=None, metadata_directory=None):
    shutil.copy("{wheel}", folder)
    return "{wheel}"
"""
    files = {
        "PKG-INFO": uploads.metadata(SOURCE).encode(),
        "pyproject.toml": b'[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        "backend.py": backend.encode(),
        wheel: uploads.wheel(SOURCE),
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, content in files.items():
            member = tarfile.TarInfo(f"{folder}/{path}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), mtime=0)
