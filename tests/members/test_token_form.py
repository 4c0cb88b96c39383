"""Projects and addresses, as people type them into the form of a token."""

from types import SimpleNamespace
from typing import Any

import pytest
from wtforms.validators import ValidationError

from webapp.members.token_form import project_names, valid_networks


def read(check: Any, typed: str) -> str:
    """What a field holds after its check."""
    field = SimpleNamespace(data=typed)
    check(None, field)
    return str(field.data)


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("Flask_Login", "flask-login"),
        ("b,a  b, B", "b a"),
        (" ".join(f"a{number}" for number in range(20)), " ".join(f"a{number}" for number in range(20))),
    ],
)
def test_names_are_normalized_and_named_once(typed: str, names: str) -> None:
    assert read(project_names, typed) == names


@pytest.mark.parametrize(
    ("typed", "problem"),
    [("a _b", "Enter valid project names"), (" ".join(f"a{number}" for number in range(21)), "at most 20 projects")],
)
def test_other_names_and_more_of_them_are_refused(typed: str, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        read(project_names, typed)


@pytest.mark.parametrize(
    ("typed", "networks"),
    [("192.0.2.7,192.0.2.7", "192.0.2.7/32"), ("2001:DB8::/32  192.0.2.0/24", "2001:db8::/32 192.0.2.0/24")],
)
def test_addresses_are_written_in_their_usual_form_and_once(typed: str, networks: str) -> None:
    assert read(valid_networks, typed) == networks


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("192.0.2.7 300.1.1.1", "“300.1.1.1” is not an IP address or a range"),
        ("x" * 100, f"“{'x' * 60}” is not an IP address"),
        ("192.0.2.7 " * 21, "at most 20 addresses or ranges"),
    ],
)
def test_anything_else_is_refused(typed: str, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        read(valid_networks, typed)


def test_twenty_addresses_are_enough() -> None:
    assert len(read(valid_networks, " ".join(f"192.0.2.{number}" for number in range(20))).split()) == 20
