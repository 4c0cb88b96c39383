import socket

import click
import pytest
from flask.testing import FlaskCliRunner

from webapp.cli.serve import address_to_listen_on, check_that_port_is_free, loopback_url


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:5006"),
        ("127.8.8.8", "http://127.8.8.8:5006"),
        ("::1", "http://[::1]:5006"),
        ("localhost", "http://localhost:5006"),
        ("0.0.0.0", ""),
        ("::", ""),
        ("192.0.2.7", ""),
        ("packages.example.org", ""),
    ],
)
def test_site_knows_its_own_address_only_where_this_machine_alone_reaches_it(host: str, address: str) -> None:
    assert loopback_url(host, 5006) == address


@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)])
def test_port_that_is_taken_is_refused(host: str, family: socket.AddressFamily) -> None:
    with socket.create_server((host, 0), family=family) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(click.ClickException) as refused:
            check_that_port_is_free(host, port)

    assert str(refused.value) == f"cannot listen on port {port} of {host}: Address already in use"

    check_that_port_is_free(host, port)


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("::", "::"), ("0.0.0.0", "0.0.0.0"), ("localhost", "127.0.0.1")],
)
def test_web_server_listens_on_the_address_of_a_name(host: str, address: str) -> None:
    assert address_to_listen_on(host) == address


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 70 + ".example"])
def test_name_without_an_address_is_refused_in_one_line(host: str) -> None:
    with pytest.raises(click.ClickException, match=f"cannot listen on {host}: it has no address"):
        address_to_listen_on(host)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--port", "99999"], "Invalid value for '--port': 99999 is not in the range 1<=x<=65535."),
        (["--port", "-1"], "Invalid value for '--port': -1 is not in the range 1<=x<=65535."),
        (["--uploads-port", "99999"], "Invalid value for '--uploads-port': 99999 is not in the range 1<=x<=65535."),
        (["--threads", str(10**30)], f"Invalid value for '--threads': {10**30} is not in the range 1<=x<=1000."),
        (["--host", "\udcff"], "Invalid value for '--host': this is not text in UTF-8."),
        (["--port", "5999", "--uploads-port", "5999"], "--uploads-port needs another port than --port"),
    ],
)
def test_options_with_which_nothing_can_be_served_are_refused(
    runner: FlaskCliRunner, arguments: list[str], reason: str
) -> None:
    result = runner.invoke(args=["serve", *arguments])

    assert (result.exit_code, result.stderr.splitlines()[-1]) == (2, f"Error: {reason}")
