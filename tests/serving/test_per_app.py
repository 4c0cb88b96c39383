import pytest
from flask import Flask

from webapp.serving.per_app import PerApp


def test_each_application_has_its_own_value() -> None:
    counter = PerApp[list[int]]("counter")
    one, other = Flask("one"), Flask("other")
    counter.set(one, [1])
    counter.set(other, [2])

    with one.app_context():
        assert counter() == [1]
    with other.app_context():
        assert counter() == [2]
    assert counter.of(one) == [1]


def test_value_that_was_never_set_is_an_error() -> None:
    with pytest.raises(KeyError, match="counter"):
        PerApp[int]("counter").of(Flask("one"))
