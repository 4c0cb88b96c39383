"""Small but whole wheels and sdists, made by hand; a test states only what matters to it."""

import base64
import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests import factories
from webapp.documents import JournalEntry, Package, StoredFile, User
from webapp.documents.contents import Chunk, Contents
from webapp.members.api_tokens import make_token


def metadata(name: str = "larder-probe", version: str = "1.0", *lines: str, description: str = "") -> str:
    """Core metadata; `lines` are further fields."""
    head = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *lines]
    return "\n".join(head) + f"\n\n{description}"


def wheel_name(name: str = "larder-probe", version: str = "1.0") -> str:
    return f"{name.replace('-', '_')}-{version}-py3-none-any.whl"


def sdist_name(name: str = "larder-probe", version: str = "1.0") -> str:
    return f"{name.replace('-', '_')}-{version}.tar.gz"


def wheel(
    name: str = "larder-probe",
    version: str = "1.0",
    *,
    text: str | bytes | None = None,
    extra: Mapping[str, str | bytes] | None = None,
    folder: str | None = None,
    compression: int = zipfile.ZIP_STORED,
) -> bytes:
    """A wheel with one module that tells its version. `text` is its METADATA, `extra` are further entries."""
    contents = wheel_contents(name, version, text=text, extra=extra, folder=folder)
    return zipped(contents, compression)


def wheel_contents(
    name: str = "larder-probe",
    version: str = "1.0",
    *,
    text: str | bytes | None = None,
    extra: Mapping[str, str | bytes] | None = None,
    folder: str | None = None,
) -> dict[str, str | bytes]:
    """The entries of such a wheel, the last of which is RECORD."""
    module = name.replace("-", "_")
    info = folder or f"{module}-{version}.dist-info"
    contents: dict[str, str | bytes] = {
        f"{module}.py": f'VERSION = "{version}"\n',
        f"{info}/METADATA": metadata(name, version) if text is None else text,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        **(extra or {}),
    }
    record = ""
    for path, content in contents.items():
        data = content.encode() if isinstance(content, str) else content
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(data)}\n"
    contents[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    return contents


def zipped(contents: Mapping[str, str | bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """A zip; its entries have a date of their own, so that the same contents have the same bytes every time."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, content in contents.items():
            archive.writestr(zipfile.ZipInfo(path), content, compression)
    return packed.getvalue()


def sdist(
    name: str = "larder-probe",
    version: str = "1.0",
    *,
    text: str | bytes | None = None,
    members: list[tarfile.TarInfo] | None = None,
) -> bytes:
    """An sdist with PKG-INFO and a module; `members` are further entries without contents."""
    folder = f"{name.replace('-', '_')}-{version}"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        content = metadata(name, version) if text is None else text
        for path, data in ((f"{folder}/PKG-INFO", content), (f"{folder}/setup.py", "")):
            member = tarfile.TarInfo(path)
            body = data.encode() if isinstance(data, str) else data
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
        for member in members or []:
            archive.addfile(member, io.BytesIO(bytes(member.size)))
    return gzip.compress(packed.getvalue(), mtime=0)


def token_of(
    user: User, *, project: str | None = None, permissions: tuple[str, ...] = ("upload",), **dates: Any
) -> str:
    """The secret of a new token."""
    expires_at = dates.get("expires_at")
    made = make_token(user, name="tests", project=project, permissions=list(permissions), expires_at=expires_at)
    return made[0]


def publisher(name: str = "Ada Lovelace") -> tuple[User, str]:
    """A member, and the secret of their token."""
    user = factories.user(name)
    return user, token_of(user)


def upload(
    client: FlaskClient,
    secret: str,
    content: bytes,
    filename: str,
    address: str = "/legacy/",
    **fields: str,
) -> TestResponse:
    """Send the form as the tools do."""
    form = {
        ":action": "file_upload",
        "protocol_version": "1",
        "sha256_digest": hashlib.sha256(content).hexdigest(),
        **fields,
        "content": (io.BytesIO(content), filename),
    }
    return client.post(address, data=form, auth=("__token__", secret), content_type="multipart/form-data")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def basic(secret: str) -> str:
    """The value of the header by which a token signs in."""
    return "Basic " + base64.b64encode(f"__token__:{secret}".encode()).decode()


def line(response: TestResponse, status: int) -> str:
    """The one line that the tools print."""
    assert response.status_code == status, response.text
    assert response.content_type == "text/plain; charset=utf-8"
    assert response.text.endswith("\n")
    assert response.text.count("\n") == 1
    return response.text.strip()


def tar_member(name: str, **fields: object) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    for key, value in fields.items():
        setattr(found, key, value)
    return found


def tar_of(*members: tarfile.TarInfo) -> bytes:
    return sdist(members=list(members))


def nothing_stays() -> bool:
    """Whether there is no trace of an upload."""
    collections = (Package, StoredFile, Contents, Chunk, JournalEntry)
    return not any(each._get_collection().count_documents({}) for each in collections)
