"""What a map may not say, each told in one line; and that what it converts is read alike by copy and verify."""

import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrations_sql_to_mongo import conversions
from migrations_sql_to_mongo.errors import BadValue, CannotStart
from migrations_sql_to_mongo.layout import Join, Layout, Taken
from migrations_sql_to_mongo.map_file import lay_over
from migrations_sql_to_mongo.verify import conversions as verified
from tests.migrations_sql_to_mongo.conftest import Mover
from tests.migrations_sql_to_mongo.old_site import make_sqlite, some_rows


def layout_of(text: str) -> Layout:
    """The layout that a map describes."""
    layout = Layout()
    lay_over(layout, tomllib.loads(text))
    return layout


def test_everything_that_a_map_can_say() -> None:
    section = layout_of(
        """
        [releases]
        table = "app.version"
        joins = ["package_id -> package.id", "package, kind -> other.name, other.kind"]
        where.is_deleted = false
        where.package.state = ["open", "closed"]
        where.removed_at = { as = "null" }
        newest_by = "created"
        exclude = true
        columns.id = ["package", "number"]
        columns.url = { column = "path", prefix = "https://files.example.org/" }
        columns.created_date = { column = "created", as = "julian day" }
        columns.yanked = { column = "state", is = "pulled" }
        columns.comment = { value = "Moved" }
        """
    ).section("releases")

    assert (section.table, section.newest_by, section.is_excluded) == ("app.version", "created", True)
    assert section.joins == (
        Join("package", (("package_id", "id"),)),
        Join("other", (("package", "name"), ("kind", "kind"))),
    )
    assert section.where == (
        ("is_deleted", Taken(equals=(False,))),
        ("package.state", Taken(equals=("open", "closed"))),
        ("removed_at", Taken(form="null")),
    )
    assert section.columns == {
        "id": Taken(("package", "number")),
        "url": Taken(("path",), prefix="https://files.example.org/"),
        "created_date": Taken(("created",), form="julian day"),
        "yanked": Taken(("state",), equals=("pulled",)),
        "comment": Taken(value="Moved"),
    }


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("[user]", "[user] is unknown; did you mean users?"),
        ("users = 1", "users must be a table: write [users]"),
        ("[users]\ntabel = 'x'", "[users] tabel is unknown; did you mean table?"),
        ("[users]\nemail = 'x'", "[users] email is unknown; write columns.email"),
        ("[users]\ncolumns.emial = 'x'", "there is no place for columns.emial; did you mean email?"),
        ("[users]\ncolumns.email = 3", '[users] columns.email must name a column, like "email"'),
        ("[users]\ncolumns.email = { col = 'x' }", "columns.email: col is unknown; did you mean column?"),
        ("[users]\ncolumns.email = { }", "columns.email takes either column or value"),
        ("[users]\ncolumns.email = { column = 'x', value = 'y' }", "columns.email takes either column or value"),
        ("[users]\ncolumns.email = { column = 'x', as = 'text' }", "columns.email takes no `as`"),
        (
            "[users]\ncolumns.created_date = { column = 'x', as = 'unix second' }",
            'as = "unix second" is unknown; did you mean unix seconds?',
        ),
        ("[users]\ncolumns.created_date = ['a', 'b']", "columns.created_date takes one column"),
        ("[users]\ncolumns.email = { column = 'x', is = 'y' }", "columns.email: `is` makes a flag of other values"),
        ("[users]\nwhere.x = { as = 'none' }", 'where.x can be { as = "null" } or { as = "not null" }'),
        ("[releases]\njoins = 'x'", "[releases] joins must be a list"),
        ("[releases]\njoins = ['package_id = p.id']", 'write them like ["package_id -> package.id"]'),
        ("[releases]\njoins = ['a, b -> p.id']", 'write them like ["package_id -> package.id"]'),
        ("[releases]\nexclude = 'yes'", "[releases] exclude must be true or false"),
    ],
)
def test_what_makes_no_sense_is_told_with_what_was_meant(content: str, complaint: str) -> None:
    with pytest.raises(CannotStart) as refused:
        layout_of(content)

    assert complaint in refused.value.message


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("[users]\ntable = 'user'", "[users] table: the source has no table user; did you mean users?"),
        ("[users]\ncolumns.name = 'nme'", "the table users has no column nme; did you mean name?"),
        ("[releases]\ncolumns.comment = 'packages.summary'", "the table packages is not joined; say how: joins = "),
        (
            "[releases]\njoins = ['package_id -> packages.sumary']",
            "the table packages has no column sumary; did you mean summary?",
        ),
        ("[releases]\njoins = ['package_id -> releases.id']", "can be joined only once; make a view"),
        ("[packages]\njoins = ['id -> releases.package_id']", "several rows of releases have package_id flask"),
        ("[administrators]\ntable = 'maintainers'\ncolumns.user_id = 'usr'", "no column usr; did you mean user_id?"),
    ],
)
def test_what_the_database_lacks_is_told_in_one_line(
    tmp_path: Path, target_uri: str, content: str, complaint: str
) -> None:
    (tmp_path / "map.toml").write_text(content)
    move = Mover(make_sqlite(tmp_path / "old.sqlite", some_rows()), target_uri)

    refused = move("plan", "--map", str(tmp_path / "map.toml"))

    assert refused.code == 2
    assert complaint in refused.err
    assert refused.err.count("\n") == 1


@pytest.mark.parametrize(
    ("form", "value", "expected"),
    [
        ("unix seconds", 1609459200, datetime(2021, 1, 1)),  # noqa: DTZ001 -- these are naive in UTC
        ("unix seconds", "1609459200.5", datetime(2021, 1, 1, 0, 0, 0, 500_000)),  # noqa: DTZ001
        ("unix seconds", Decimal(-1), datetime(1969, 12, 31, 23, 59, 59)),  # noqa: DTZ001
        ("unix milliseconds", 1609459200123, datetime(2021, 1, 1, 0, 0, 0, 123_000)),  # noqa: DTZ001
        ("julian day", 2459215.5, datetime(2021, 1, 1)),  # noqa: DTZ001
        ("julian day", 2440588, datetime(1970, 1, 1, 12)),  # noqa: DTZ001
        ("yyyymmdd", 20210304, datetime(2021, 3, 4)),  # noqa: DTZ001
        ("yyyymmdd", "20210304050607", datetime(2021, 3, 4, 5, 6, 7)),  # noqa: DTZ001
        ("yyyymmdd", 20210230, None),
        ("unix seconds", "soon", None),
        ("julian day", float("nan"), None),
        ("unix seconds", 10**20, None),
    ],
)
def test_dates_in_other_forms(form: str, value: Any, expected: datetime | None) -> None:
    when, remark = conversions.date_reader(UTC, form)(value)

    assert when == expected
    assert remark == (None if expected else "bad")


numbers = st.integers(-(10**14), 10**14) | st.floats(-1e13, 1e13) | st.decimals(-(10**13), 10**13, places=9)


@given(numbers, st.sampled_from(["unix seconds", "unix milliseconds", "julian day", "yyyymmdd"]))
def test_copy_and_verify_read_any_number_as_the_same_date(value: Any, form: str) -> None:
    copied, _ = conversions.date_reader(UTC, form)(value)

    try:
        found = verified.moment_in_form(value, form)
        compared = datetime.fromisoformat(found) if isinstance(found, str) else found
    except (ValueError, OverflowError):
        compared = None
    assert compared == copied


@given(st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([b"\0", b"\1", b"Y", "No", " t ", "", "maybe"]))
def test_copy_and_verify_read_the_same_flags(value: Any) -> None:
    try:
        copied: bool | None = conversions.flag("is_active", value)
    except BadValue:
        copied = None

    try:
        compared: bool | None = verified.flag(value)
    except ValueError:
        compared = None
    assert compared == copied


@pytest.mark.parametrize("value", [True, 1, "1", "Yes", "t", b"\1", b"y", "ACTIVE"])
def test_yes(value: Any) -> None:
    assert conversions.flag("is_active", value) is True
    assert conversions.flag("is_active", value, "negated") is False


@pytest.mark.parametrize("value", [None, False, 0, "0", "no", "", b"\0", "f", "Off"])
def test_no_and_null(value: Any) -> None:
    assert conversions.flag("is_active", value) is False


@pytest.mark.parametrize(
    ("value", "form", "expected"),
    [
        (" a, b ,,a", None, ["a", "b"]),
        ("a  b\na", "space list", ["a", "b"]),
        ('["a", "b c"]', "json list", ["a", "b c"]),
        (["x", ""], None, ["x"]),
        (None, None, []),
        (b"a,b", "comma list", ["a", "b"]),
    ],
)
def test_lists(value: Any, form: str | None, expected: list[str]) -> None:
    assert conversions.words("keywords", value, form) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("A" * 64, "a" * 64),
        ("sha256=" + "b" * 64, "b" * 64),
        ("SHA256:" + "b" * 64, "b" * 64),
        (b"\xab" * 32, "ab" * 32),
        (b"c" * 64, "c" * 64),
        ("d" * 63, None),
        ("md5=" + "d" * 32, None),
    ],
)
def test_digests(value: Any, expected: str | None) -> None:
    assert conversions.digest("sha256", value) == expected
    assert verified.digest(value, "sha256") == expected
