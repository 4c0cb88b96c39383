"""What a map may not say, each told in one line; and that what it converts is read alike by copy and verify."""

import tomllib
from pathlib import Path

import pytest

from migrations_sql_to_mongo.errors import CannotStart
from migrations_sql_to_mongo.layout import Join, Layout, Taken
from migrations_sql_to_mongo.map_file import lay_over
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
