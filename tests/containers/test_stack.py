"""docker-compose.yml with deploy/tls.yml, as it runs: what people reach, what the site may do, what logs show."""

import json
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page, expect, sync_playwright
from uv import find_uv_bin

from tests.browser.conftest import ARGUMENTS
from tests.containers.machine import podman
from tests.containers.stack import HTTP, HTTPS, Stack, upload_token, wait_for
from tests.containers.visitors import run
from tests.publishing import uploads

ADDRESS = f"https://localhost:{HTTPS}"
PROJECT, PASSWORD = "larder-boxed", "nanoseconds matter, admiral"


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser: Browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        yield browser.new_context(base_url=ADDRESS, ignore_https_errors=True).new_page()
        browser.close()


def register(page: Page) -> str:
    """Register with a browser; return where that leads."""
    page.goto("/account/register")
    page.get_by_label("Name", exact=True).fill("Grace Hopper")
    page.get_by_label("Email address").fill("grace@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Register").click()
    expect(page.get_by_role("status")).to_have_text("Welcome, Grace Hopper.")
    return page.url


def test_everything_starts_in_order_and_becomes_healthy(secure: Stack) -> None:
    began = {name: secure.inspect(name)["State"]["StartedAt"] for name in ("mongo", "mongo-init", "site", "nginx")}

    assert sorted(began, key=began.__getitem__) == ["mongo", "mongo-init", "site", "nginx"]
    assert [secure.health(name) for name in ("mongo", "site", "nginx")] == ["healthy"] * 3
    assert secure.inspect("mongo-init")["State"]["ExitCode"] == 0


def test_browser_registers_over_tls_and_http_only_sends_there(secure: Stack, page: Page) -> None:
    assert register(page).startswith(ADDRESS)

    answer = requests.get(f"http://127.0.0.1:{HTTP}/projects/", allow_redirects=False, timeout=10)
    assert (answer.status_code, answer.headers["Location"]) == (308, "https://127.0.0.1/projects/")


def test_twine_and_uv_publish_and_pip_and_uv_install(secure: Stack, trusting: dict[str, str], tmp_path: Path) -> None:
    secret = upload_token(secure)
    for version in ("1.0", "2.0"):
        (tmp_path / uploads.wheel_name(PROJECT, version)).write_bytes(uploads.wheel(PROJECT, version))
    first, second = (str(tmp_path / uploads.wheel_name(PROJECT, version)) for version in ("1.0", "2.0"))
    address = f"{ADDRESS}/legacy/"

    run(sys.executable, "-m", "twine", "upload", "--non-interactive", "--repository-url", address, "-u", "__token__",
        "-p", secret, first, env=trusting)  # fmt: skip
    run(find_uv_bin(), "publish", "--publish-url", address, "--token", secret, second, env=trusting)
    index = f"{ADDRESS}/simple/"
    pip, uv = tmp_path / "pip", tmp_path / "uv"
    run(
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--target",
        str(pip),
        "--index-url",
        index,
        f"{PROJECT}==1.0",
        env=trusting,
    )
    run(find_uv_bin(), "pip", "install", "--target", str(uv), "--index-url", index, PROJECT, env=trusting)

    assert [path.name.split("-")[1] for path in pip.glob("*.dist-info")] == ["1.0.dist"]
    assert [path.name.split("-")[1] for path in uv.glob("*.dist-info")] == ["2.0.dist"]


def test_site_writes_only_into_its_volume(secure: Stack) -> None:
    for folder in ("/", "/opt/larder", "/opt/larder/webapp", "/opt/venv", "/etc", "/usr/bin", "/home", "/var"):
        said = secure.run("site", "sh", "-c", f"touch {folder}/x 2>&1 || true")
        assert re.search("Read-only file system|Permission denied", said), f"{folder}: {said}"

    assert (
        secure.run("site", "sh", "-c", "touch /var/lib/larder/x /tmp/x && rm /var/lib/larder/x /tmp/x && echo yes")
        == "yes"
    )


def test_every_module_of_the_site_is_compiled_in_its_image(secure: Stack) -> None:
    """It could not keep what it compiles, so each process would do that again: twice the time of a start."""
    program = (
        "import sys, importlib.util, pathlib, webapp.cli.serve, granian.server, urllib.request\n"
        "specs = [each.__spec__ for each in sys.modules.values() if getattr(each, '__spec__', None)]\n"
        "paths = [spec.origin for spec in specs if spec.has_location and spec.origin.endswith('.py')]\n"
        "print([path for path in paths if not pathlib.Path(importlib.util.cache_from_source(path)).exists()])\n"
        "print(len(paths))"
    )

    missing, number = secure.run("site", "python", "-c", program).splitlines()

    assert missing == "[]"
    assert int(number) > 500


def test_site_has_no_capability_and_gets_none(secure: Stack) -> None:
    status = secure.run("site", "cat", "/proc/1/status")
    shown = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)

    assert shown["Uid"].split() == ["10001"] * 4
    assert {shown[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert shown["NoNewPrivs"] == "1"


def test_a_root_shell_in_the_site_has_no_power(secure: Stack) -> None:
    """Whoever may run `docker compose exec --user root` gets the name only."""
    said = secure.run(
        "site",
        "sh",
        "-c",
        "id -u; grep -E 'CapEff|CapBnd' /proc/self/status; touch /etc/x; chown 1 /tmp 2>&1; true",
        user="0",
    )

    assert said.splitlines()[0] == "0"
    assert set(re.findall(r"Cap\w+:\s+(\w+)", said)) == {"0" * 16}
    passwd = secure.run("site", "sh", "-c", "getent passwd larder")
    assert passwd.endswith(":/usr/sbin/nologin")


def own_addresses(stack: Stack, service: str) -> list[str]:
    networks = stack.inspect(service)["NetworkSettings"]["Networks"]
    return [network["IPAddress"] for network in networks.values()]


def reachable(host: str, port: int) -> bool:
    with socket.socket() as caller:
        caller.settimeout(3)
        return caller.connect_ex((host, port)) == 0


def test_mongodb_listens_on_loopback_only_and_asks_for_a_password(secure: Stack) -> None:
    published = json.loads(podman("inspect", "--format", "{{json .NetworkSettings.Ports}}", secure.name("mongo")))
    bound = {name: secure.inspect(name)["HostConfig"]["PortBindings"] for name in ("site", "mongo-init")}

    assert reachable("127.0.0.1", 27017)
    assert [binding["HostIp"] for binding in published["27017/tcp"]] == ["127.0.0.1"]
    assert not [ports for bindings in bound.values() for ports in bindings.values() if ports]
    program = (
        "import pymongo; pymongo.MongoClient('mongodb://mongo:27017', directConnection=True).larder.user.find_one()"
    )
    assert "requires authentication" in secure.run("site", "sh", "-c", f'python -c "{program}" 2>&1 || true')


def test_inspection_starts_on_demand_on_loopback_and_wants_a_password(secure: Stack) -> None:
    assert not podman("ps", "-aq", "--filter", "label=com.docker.compose.service=inspect")

    secure.compose("--profile", "inspect", "up", "-d", "--no-build", "inspect")
    try:
        bindings = secure.inspect("inspect")["HostConfig"]["PortBindings"]
        wait_for(lambda: reachable("127.0.0.1", 8081), "mongo-express")
        address, password = "http://127.0.0.1:8081/db/larder/", secure.secrets["LARDER_DB_PASSWORD"]
        refused = requests.get(address, timeout=60)
        page = requests.get(address, auth=("larder", password), timeout=60)
    finally:
        secure.compose("--profile", "inspect", "rm", "-sf", "inspect")

    assert [binding["HostIp"] for binding in bindings["8081/tcp"]] == ["127.0.0.1"]
    assert refused.status_code == 401
    assert page.status_code == 200, page.text
    assert "search_entries" in page.text


def test_request_id_is_in_both_logs_and_in_the_answer(secure: Stack, certificates: Path) -> None:
    answer = requests.get(f"{ADDRESS}/projects/?q=hidden", verify=str(certificates / "ca.pem"), timeout=20)

    request_id = answer.headers["X-Request-ID"]
    for service in ("nginx", "site"):
        [line] = [line for line in secure.logs(service).splitlines() if request_id in line]
        shown = json.loads(line)
        assert shown["request_id"] == request_id
        assert "hidden" not in line


def test_metrics_are_inside_only(secure: Stack, certificates: Path) -> None:
    answer = requests.get(f"{ADDRESS}/metrics", verify=str(certificates / "ca.pem"), timeout=20)
    inside = secure.run(
        "site", "python", "-c", "import urllib.request as r; print(r.urlopen('http://site:8000/metrics').read()[:2000])"
    )

    assert answer.status_code == 404
    assert "larder_" in inside


def test_secrets_are_seen_only_where_they_are_needed(secure: Stack) -> None:
    names = ("nginx", "site", "mongo", "mongo-init")
    seen = {
        secret: {name for name in names if value in json.dumps(secure.inspect(name))}
        for secret, value in secure.secrets.items()
    }

    assert seen == {
        "SECRET_KEY": {"site"},
        "LARDER_DB_PASSWORD": {"site", "mongo-init"},
        "MONGO_ROOT_PASSWORD": {"mongo", "mongo-init"},
        "MONGO_KEY": set(),  # of a replica set, which this is not
    }
    logs = secure.logs()
    assert not [name for name, value in {**secure.secrets, "password": PASSWORD}.items() if value in logs]
    history = podman("history", "--no-trunc", "larder_site") + podman("history", "--no-trunc", "larder_nginx")
    assert not [name for name, value in secure.secrets.items() if value in history]


def test_processes_of_mongodb_and_nginx_are_not_root(secure: Stack) -> None:
    users = {name: secure.run(name, "sh", "-c", "grep -h ^Uid: /proc/[0-9]*/status") for name in ("mongo", "nginx")}

    assert secure.run("mongo", "sh", "-c", "grep ^Uid: /proc/1/status").split()[1] == "999"
    assert re.search(r"Uid:\s+33\s", users["nginx"])
