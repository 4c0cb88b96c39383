import json
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path

import pytest
from flask import Flask, copy_current_request_context
from flask.testing import FlaskClient

from config import BadConfig
from webapp.serving import request_log, security
from webapp.serving.log_config import FORMATTERS, JsonFormatter, TextFormatter, logging_config

ID = re.compile(r"[0-9a-f]{32}")


@pytest.fixture
def behind_proxy() -> Flask:
    """A small site that believes one proxy."""
    site = Flask(__name__)
    site.config.from_mapping(HTTPS_ONLY=0, TRUSTED_PROXIES=1)
    security.init_app(site)
    request_log.init_app(site)
    return site


def test_request_is_one_line_under_the_id_of_its_answer(client: FlaskClient, lines: StringIO) -> None:
    response = client.get("/ping?q=what+somebody+looked+for")

    line = json.loads(lines.getvalue())
    assert ID.fullmatch(response.headers["X-Request-ID"])
    assert line["request_id"] == response.headers["X-Request-ID"]
    assert (line["level"], line["logger"]) == ("INFO", "webapp.access")
    assert (line["method"], line["path"], line["status"]) == ("GET", "/ping", 200)
    assert (line["bytes"], line["client"]) == (len(response.data), "127.0.0.1")
    assert 0 < line["ms"] < 1000
    assert "looked" not in lines.getvalue()


def test_each_request_has_an_id_of_its_own(client: FlaskClient) -> None:
    first, second = client.get("/about"), client.get("/about")

    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]


def test_what_happens_in_a_request_is_logged_under_its_id(
    client: FlaskClient, app: Flask, lines: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)  # noqa: FBT003 - setitem takes it so
    monkeypatch.setitem(app.view_functions, "health.ping", lambda: 1 / 0)

    response = client.get("/ping")

    failed, access = map(json.loads, lines.getvalue().splitlines())
    assert response.status_code == access["status"] == 500
    assert failed["message"] == "GET /ping failed"
    assert failed["traceback"].endswith("ZeroDivisionError: division by zero")
    assert failed["request_id"] == access["request_id"] == response.headers["X-Request-ID"]


@pytest.mark.parametrize("path", ["/account/reset/eyJh.bG", "/account/email/eyJh.bG/", "/x/account/reset/eyJh.bG"])
def test_token_in_an_address_is_not_logged(client: FlaskClient, lines: StringIO, path: str) -> None:
    client.get(path)

    assert "eyJh" not in lines.getvalue()
    assert "/***" in json.loads(lines.getvalue())["path"]


def test_nginx_masks_the_token_in_every_route_that_has_one(site: Flask) -> None:
    templates = Path(site.root_path).parent / "deploy" / "nginx" / "templates"
    common, server = (
        (templates / "larder.conf.template").read_text(),
        (templates / "larder-site.inc.template").read_text(),
    )
    [masked] = re.findall(r"map \$uri \$larder_logged_path \{\s+~(\S+) \$larder_before", common)
    [silent] = re.findall(r"location ~ (\S+) \{\s+error_log /dev/null", server)
    routes = [rule.rule for rule in site.url_map.iter_rules() if "token" in rule.arguments]

    assert len(routes) >= 4
    for route in routes:
        path = route.replace("<token>", "secret")
        found = re.match(masked.replace("?<", "?P<"), path)
        assert found, f"{path} is not masked"
        assert "secret" not in found["larder_before"]
        assert re.match(silent, path), f"{path} stands in the error log"


@pytest.mark.parametrize("formatter", FORMATTERS)
def test_request_cannot_write_a_line_of_its_own(client: FlaskClient, lines: StringIO, formatter: str) -> None:
    handler = logging.getLogger("webapp").handlers[0]
    handler.setFormatter(TextFormatter() if formatter == "text" else JsonFormatter())

    client.get("/a%0D%0A2026-01-01 INFO webapp: all is well")
    logging.getLogger("webapp.test").warning("said %s", "one\nanother")

    first, second = lines.getvalue().splitlines()
    assert "/a%0D%0A2026-01-01%20INFO" in first
    assert r"said one\nanother" in second


def test_mail_sent_after_the_answer_is_logged_under_its_request(client: FlaskClient, lines: StringIO) -> None:
    with client.application.test_request_context():
        client.application.preprocess_request()
        request_id = request_log.current_request_id()
        with ThreadPoolExecutor(1) as threads:
            threads.submit(copy_current_request_context(lambda: logging.getLogger("webapp.mails").info("sent")))

    assert json.loads(lines.getvalue())["request_id"] == request_id


def test_traceback_is_shown_to_people_as_it_is(lines: StringIO) -> None:
    handler = logging.getLogger("webapp").handlers[0]
    handler.setFormatter(TextFormatter())

    try:
        raise RuntimeError("no")
    except RuntimeError:
        logging.getLogger("webapp.test").exception("failed")

    assert lines.getvalue().splitlines()[1] == "Traceback (most recent call last):"


def test_id_that_a_trusted_proxy_gave_is_kept(behind_proxy: Flask, lines: StringIO) -> None:
    headers = {"X-Request-ID": "0af7651916cd43dd8448eb211c80319c", "X-Forwarded-For": "192.0.2.7"}

    response = behind_proxy.test_client().get("/ping", headers=headers)

    assert response.headers["X-Request-ID"] == headers["X-Request-ID"]
    assert json.loads(lines.getvalue())["client"] == "192.0.2.7"


@pytest.mark.parametrize("odd", ["", "short", "x" * 65, "a b c d e f g h", "naïve-naïve-naïve", "{{7*7}}{{7*7}}"])
def test_odd_id_of_a_proxy_is_replaced(behind_proxy: Flask, odd: str) -> None:
    response = behind_proxy.test_client().get("/ping", headers={"X-Request-ID": odd})

    assert ID.fullmatch(response.headers["X-Request-ID"])


def test_id_that_a_reader_made_up_is_replaced(client: FlaskClient) -> None:
    made_up = "0af7651916cd43dd8448eb211c80319c"

    assert client.get("/ping", headers={"X-Request-ID": made_up}).headers["X-Request-ID"] != made_up


@pytest.mark.parametrize(("line_format", "level"), [("xml", "INFO"), ("text", "LOUD"), ("text", "info")])
def test_log_that_cannot_be_is_refused_by_its_setting(line_format: str, level: str) -> None:
    with pytest.raises(BadConfig, match=r"LOG_(FORMAT|LEVEL) is '(xml|LOUD|info)'; it can be"):
        logging_config(line_format, level)
