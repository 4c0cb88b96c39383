"""What people and their programs do at the site, through nginx."""

import re
import subprocess

import requests

from tests.containers.stack import HTTP
from tests.publishing import uploads

ADDRESS = f"http://127.0.0.1:{HTTP}"
PASSWORD = "nanoseconds matter, admiral"
PATIENCE_S = 60


def get(address: str, visitor: requests.Session | None = None) -> requests.Response:
    """What a page of the site answers, to nobody or to the one with this browser."""
    return (visitor or requests.Session()).get(ADDRESS + address, allow_redirects=False, timeout=PATIENCE_S)


def run(*command: str, env: dict[str, str]) -> str:
    """What an installer or an uploader says, which succeeds."""
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def is_up() -> bool:
    """Whether readers get a page that the database was asked for."""
    try:
        return get("/projects/").status_code == 200
    except requests.RequestException:
        return False


def register(name: str) -> None:
    """Register with a program."""
    account = {"username": name, "password": PASSWORD}
    assert requests.post(f"{ADDRESS}/signup", json=account, timeout=PATIENCE_S).status_code == 200


def sign_in(name: str, password: str = PASSWORD) -> tuple[requests.Session, int]:
    """Sign in with a browser; return that, and the status: 302 after the right password."""
    browser = requests.Session()
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', get("/account/login", browser).text)
    assert found
    fields = {"email": name, "password": password, "csrf_token": found[1]}
    answer = browser.post(f"{ADDRESS}/account/login", data=fields, allow_redirects=False, timeout=PATIENCE_S)
    return browser, answer.status_code


def is_signed_in(browser: requests.Session) -> bool:
    """Whether this browser sees its account."""
    return get("/account/profile", browser).status_code == 200


def publish(secret: str, project: str, version: str = "1.0", size: int = 0) -> requests.Response:
    """Upload a wheel with a token, at least so large."""
    content = uploads.wheel(project, version, extra={"ballast.bin": b"x" * size} if size else None)
    fields = {
        ":action": "file_upload", "protocol_version": "1", "metadata_version": "2.1", "name": project,
        "version": version, "filetype": "bdist_wheel", "pyversion": "py3",
    }  # fmt: skip
    files = {"content": (uploads.wheel_name(project, version), content)}
    address, user = f"{ADDRESS}/legacy/", ("__token__", secret)
    return requests.post(address, data=fields, files=files, auth=user, timeout=PATIENCE_S)
