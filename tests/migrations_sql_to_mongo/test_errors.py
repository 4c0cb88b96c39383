"""What the command line says when something is wrong: one line, the right exit code, no secret."""

import pytest

from migrations_sql_to_mongo.errors import mask
from tests.migrations_sql_to_mongo.conftest import Mover


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("mysql://root@127.0.0.1/x", "mysql://root@127.0.0.1/x"),
        ("postgresql://ada:pw@db:5432/site?sslmode=require", "postgresql://ada:***@db:5432/site"),
        ("postgresql://ada:p@ss@db/site", "postgresql://ada:***@db/site"),
        ("mysql://ada@corp:p:w@db/site", "mysql://ada@corp:***@db/site"),
        ("mysql://ada:p?w@db/site", "mysql://ada:***@db/site"),
        ("mongodb://ada:p/w@db/site", "mongodb://ada:***@db/site"),
        ("mongodb://ada:forgot-the-host", "mongodb://ada:***"),
        ("mongodb://a:27017,b:27018/larder?replicaSet=rs", "mongodb://a:27017,b:27018/larder"),
        ("mongodb://[::1]:27017/larder", "mongodb://[::1]:27017/larder"),
        ("postgresql:///site?host=/run&password=p@ss", "postgresql:///site"),
        ("sqlite:////srv/old.sqlite", "sqlite:////srv/old.sqlite"),
    ],
)
def test_address_is_shown_without_any_part_of_its_password(address: str, shown: str) -> None:
    assert mask(address) == shown


@pytest.mark.parametrize("dialect", ["postgresql", "mysql"])
def test_source_whose_password_holds_an_at_sign_is_told_how_to_write_it(dialect: str, target_uri: str) -> None:
    refused = Mover(f"{dialect}://ada:open@sesame@127.0.0.1/site", target_uri)("plan")

    assert refused.code == 2
    assert "%40" in refused.err
    assert f"{dialect}://ada:***@127.0.0.1/site" in refused.err
    assert "sesame" not in refused.err
    assert "open" not in refused.err


@pytest.mark.parametrize(
    "address", ["mongodb://ada:open@sesame@127.0.0.1/x", "mongodb://ada:se/same@127.0.0.1/x", "mongodb://ada:sesame"]
)
def test_target_whose_password_is_not_escaped_is_told_how_to_write_it(address: str) -> None:
    refused = Mover("sqlite:////none", address)("plan")

    assert refused.code == 2
    assert "%40" in refused.err
    assert "same" not in refused.err
    assert "open" not in refused.err


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("postgresql://ada:secret@db/old?password=secret", "postgresql://ada:***@db/old"),
        ("postgresql://ada:secret@db:port/old", "postgresql://ada:***@db:port/old"),
        ("mysql+pymysql://ada:se@cret@db/old", "mysql+pymysql://ada:***@db/old"),
        ("sqlite:////srv/old.db", "sqlite:////srv/old.db"),
        ("mongodb://ada:secret@a:1,b:2/larder?authSource=admin", "mongodb://ada:***@a:1,b:2/larder"),
        ("mongodb+srv://ada:s:e@cret@cluster/x", "mongodb+srv://ada:***@cluster/x"),
        ("mongodb://localhost/larder", "mongodb://localhost/larder"),
    ],
)
def test_password_is_masked(address: str, masked: str) -> None:
    assert mask(address) == masked
