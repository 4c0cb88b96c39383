import json
import re
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from flask import Flask

from tests.conftest import free_port
from tests.deploy.conftest import DEPLOY, ROOT, Nginx, dockerfile_command
from tests.live import Run
from tests.publishing import uploads
from webapp.serving.security import HEADERS

TOO_LARGE = b"x" * 3_000_000
REFUSED = "This API token is not valid. It may have been revoked, or it is incomplete."
ASKED = [("POST", "/legacy/"), ("POST", "/"), ("GET", "/"), ("GET", "/simple/"), ("POST", "/account/login")]


def get(nginx: Nginx, path: str, **request: object) -> requests.Response:
    return requests.get(nginx.address + path, timeout=20, **request)  # type: ignore[arg-type]


def test_configuration_is_accepted_without_a_warning(stack: Nginx) -> None:
    assert re.fullmatch(r"nginx: .* syntax is ok\nnginx: .* test is successful\n", stack.test())


@pytest.mark.parametrize("path", ["/", "/projects/", "/project/flask/", "/simple/flask/", "/search/?q=flask", "/ready"])
def test_pages_come_through_compressed(stack: Nginx, path: str) -> None:
    response = get(stack, path)

    assert response.status_code == 200
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert (response.headers.get("Content-Encoding") == "gzip") is (len(response.content) >= 1000)


def test_page_that_a_reader_has_is_not_sent_again(stack: Nginx) -> None:
    page = get(stack, "/projects/")

    again = get(stack, "/projects/", headers={"If-None-Match": page.headers["ETag"]})

    assert page.headers["Content-Encoding"] == "gzip"
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/static/css/larder.css?v=1", "/bootstrap/static/css/bootstrap.min.css"])
def test_files_are_served_by_nginx_as_the_site_would(stack: Nginx, site_log: Path, path: str) -> None:
    response = get(stack, path)

    own = requests.get(f"http://127.0.0.1:{stack.site_port}{path}", timeout=20)
    assert response.status_code == own.status_code == 200
    assert response.content == own.content
    for name in (*HEADERS, "Cache-Control", "Content-Type"):
        assert response.headers[name] == own.headers[name], name
    assert response.headers["Content-Encoding"] == "gzip"
    assert response.headers["X-Request-ID"] not in site_log.read_text()


@pytest.mark.parametrize("path", ["/nothing", "/static/nothing.css", "/project/nothing-of-this-name/"])
def test_errors_are_the_sites_own(stack: Nginx, path: str) -> None:
    page, program = get(stack, path), get(stack, path, headers={"Accept": "application/json"})

    assert page.status_code == program.status_code == 404
    assert "There is no page" in page.text or "nothing-of-this-name" in page.text
    assert list(program.json()) == ["message"]


@pytest.mark.parametrize("path", ["/projects/", "/nothing"])
def test_body_that_is_too_large_is_413(stack: Nginx, path: str) -> None:
    page = requests.post(stack.address + path, TOO_LARGE, headers={"Accept": "text/html"}, timeout=20)
    program = requests.post(stack.address + path, TOO_LARGE, headers={"Accept": "application/json"}, timeout=20)

    assert page.status_code == program.status_code == 413
    assert "The request is larger than this site accepts." in page.text
    assert program.json() == {"message": "Request Entity Too Large"}
    assert "Retry-After" not in page.headers
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("path", ["/legacy/", "/"])
def test_upload_may_be_larger_and_the_site_answers_it(stack: Nginx, path: str) -> None:
    answers = [requests.post(stack.address + path, TOO_LARGE * 10, timeout=20) for _ in range(5)]

    assert {answer.status_code for answer in answers} == {401}
    assert "API token" in answers[0].text


@pytest.mark.parametrize("path", ["/metrics", "//metrics", "/%6detrics", "/x/../metrics", "/metrics?name=a"])
def test_figures_are_not_public(stack: Nginx, path: str) -> None:
    with socket.create_connection(("127.0.0.1", stack.port), 20) as wire:
        wire.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: wire.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"larder_requests" not in answer
    inside = requests.get(f"http://127.0.0.1:{stack.site_port}/metrics", timeout=20)
    assert "larder_database_command_seconds_count" in inside.text


def test_reader_has_one_address_and_one_id_in_both_logs(stack: Nginx, site_log: Path) -> None:
    forged = {"X-Forwarded-For": "192.0.2.66", "X-Request-ID": "0" * 32, "X-Forwarded-Proto": "https"}

    response = get(stack, "/about?q=secret-search", headers=forged)

    request_id = response.headers["X-Request-ID"]
    (inside,) = [line for line in map(json.loads, json_lines(site_log)) if line.get("request_id") == request_id]
    outside = stack.line(request_id)
    assert request_id != "0" * 32
    assert (inside["client"], outside["client"]) == ("127.0.0.1", "127.0.0.1")
    assert (inside["path"], outside["path"], outside["status"]) == ("/about", "/about", "200")


def json_lines(log: Path) -> list[str]:
    return [line for line in log.read_text().splitlines() if line.startswith("{")]


def test_logs_hold_no_token_and_no_query(stack: Nginx, site_log: Path) -> None:
    get(stack, "/account/reset/eyJhbGciOi.secret-token?next=secret-place")
    headers = {"Referer": f"{stack.address}/account/reset/secret-token"}
    last = get(stack, "/account/email/eyJhbGciOi.secret-token", headers=headers)

    assert stack.line(last.headers["X-Request-ID"])["path"] == "/account/email/***"
    for log in (stack.log, site_log):
        assert "secret-" not in log.read_text()


@pytest.mark.parametrize("server", ["site", "nothing"])
def test_token_of_no_route_gets_into_a_log(
    app: Flask, stack: Nginx, site_log: Path, tmp_path: Path, server: str
) -> None:
    routes = [rule.rule for rule in app.url_map.iter_rules() if "token" in rule.arguments]
    with ExitStack() as servers:
        nginx = stack if server == "site" else servers.enter_context(Nginx(tmp_path, free_port()).running())
        answers = [get(nginx, route.replace("<token>", "secret.token")) for route in routes]
        nginx.line(answers[-1].headers["X-Request-ID"])
        logs = {path.name: path.read_text() for path in nginx.folder.joinpath("log").iterdir()}

    assert routes
    assert {answer.status_code for answer in answers} <= ({404, 410} if server == "site" else {503})
    assert {name for name, text in (logs | {"site": site_log.read_text()}).items() if "secret.token" in text} == set()


def test_slow_clients_stop_nobody_and_are_left(stack: Nginx) -> None:
    header = b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "
    body = b"POST /account/login HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nemail="
    wires = [socket.create_connection(("127.0.0.1", stack.port), 30) for _ in range(100)]
    try:
        for number, wire in enumerate(wires):
            wire.sendall(header if number % 2 else body)
        with ThreadPoolExecutor(4) as readers:
            others = list(readers.map(lambda _: get(stack, "/projects/"), range(20)))
        started = time.monotonic()
        ends = [ended(wire) for wire in wires]
    finally:
        for wire in wires:
            wire.close()

    assert {response.status_code for response in others} == {200}
    assert max(response.elapsed.total_seconds() for response in others) < 5
    assert all(ends)
    assert time.monotonic() - started < 30


def ended(wire: socket.socket) -> bool:
    """Whether the other side closes the connection, with or without an answer."""
    try:
        while wire.recv(65536):
            pass
    except ConnectionResetError:
        pass
    except TimeoutError:
        return False
    return True


def test_site_that_is_away_is_a_page_that_says_when_to_come_back(tmp_path: Path) -> None:
    with Nginx(tmp_path, free_port()).running() as nginx:
        page = get(nginx, "/project/flask/", headers={"Accept": "text/html"})
        program = get(nginx, "/simple/flask/", headers={"Accept": "application/vnd.pypi.simple.v1+json"})
        style = get(nginx, "/static/css/larder.css")

    assert page.status_code == program.status_code == 503
    assert page.headers["Retry-After"] == "5"
    assert "Please try again in a few seconds." in page.text
    assert program.json() == {"message": "Service Unavailable"}
    assert style.status_code == 200


def test_health_check_of_the_image_finds_the_site_healthy(stack: Nginx) -> None:
    _, *command = dockerfile_command("HEALTHCHECK.*\\\\\n\\s+CMD ")
    command = [part.replace(":8000", f":{stack.site_port}") for part in command]

    healthy = subprocess.run(["python3", *command], capture_output=True, timeout=20)
    away = subprocess.run(["python3", command[0], command[1].replace("/health", "/nothing")], capture_output=True)

    assert (healthy.returncode, away.returncode) == (0, 1)


def nginx_health() -> str:
    """The path that the health check of nginx's image asks for."""
    found = re.search(r'"http://127.0.0.1(/[^":]+)"', (ROOT / "Dockerfile").read_text())
    assert found
    return found[1]


def test_https_serves_the_site_and_http_leads_there(stack: Nginx, tmp_path: Path) -> None:
    (tmp_path / "tls").mkdir()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", tmp_path / "tls/privkey.pem", "-out", tmp_path / "tls/fullchain.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    certificate = str(tmp_path / "tls/fullchain.pem")
    server = DEPLOY / "nginx" / "tls" / "server.conf.template"
    with Nginx(tmp_path, stack.site_port, server=server).running() as nginx:
        secure = f"https://127.0.0.1:{nginx.tls_port}"
        page = requests.get(f"{secure}/projects/", verify=certificate, timeout=20)
        style = requests.get(f"{secure}/static/css/larder.css", verify=certificate, timeout=20)
        plain = get(nginx, "/project/flask/?a=b", allow_redirects=False)
        alive = get(nginx, nginx_health(), allow_redirects=False)

    assert page.status_code == style.status_code == 200
    assert page.headers["Strict-Transport-Security"] == style.headers["Strict-Transport-Security"]
    assert alive.status_code == get(stack, nginx_health()).status_code == 204
    assert (plain.status_code, plain.headers["Location"]) == (308, "https://127.0.0.1/project/flask/?a=b")
    assert "Strict-Transport-Security" not in get(stack, "/static/css/larder.css").headers


def test_twine_prints_the_reason_of_a_refusal(stack: Nginx, run: Run, tmp_path: Path) -> None:
    """Without --verbose twine shows the status line alone, which nginx passes on as the second server sends it."""
    said = said_by_twine(stack, run, tmp_path)

    assert "403 Forbidden from" in said
    assert REFUSED in said


def test_where_the_second_server_does_not_listen_the_site_takes_uploads(stack: Nginx, run: Run, tmp_path: Path) -> None:
    with Nginx(tmp_path / "nginx", stack.site_port, uploads_port=free_port()).running() as nginx:
        said = said_by_twine(nginx, run, tmp_path)
        home = requests.get(nginx.address, timeout=10)

    assert "403 Forbidden from" in said
    assert REFUSED not in said
    assert home.status_code == 200


def test_the_second_server_takes_uploads_and_nothing_else(stack: Nginx, tmp_path: Path) -> None:
    with Nginx(tmp_path / "nginx", free_port(), uploads_port=stack.uploads_port).running() as nginx:
        answers = [requests.request(method, f"{nginx.address}{path}", timeout=10) for method, path in ASKED]

    assert [answer.status_code for answer in answers] == [401, 401, 503, 503, 503]


def said_by_twine(nginx: Nginx, run: Run, folder: Path) -> str:
    """What twine prints of an upload with a wrong token, without the line breaks."""
    (folder / uploads.wheel_name()).write_bytes(uploads.wheel())
    options = ("--non-interactive", "--disable-progress-bar", "--repository-url", f"{nginx.address}/legacy/")
    done = run("twine", "upload", *options, "-u", "__token__", "-p", "larder-wrong", uploads.wheel_name())
    assert done.returncode == 1
    return " ".join((done.stdout + done.stderr).split())
