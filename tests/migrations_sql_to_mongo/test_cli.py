"""The command line of the move."""

from pathlib import Path

from tests.migrations_sql_to_mongo.conftest import Make
from tests.migrations_sql_to_mongo.old_site import (
    download,
    make_sqlite,
    some_rows,
)


def test_site_itself_commands_the_move(mover: Make, tmp_path: Path) -> None:
    """On mongomock, through `flask migrate-sql`, without --target."""
    from config import TestingConfig
    from migrations_sql_to_mongo import init_app
    from webapp import create_app

    class Config(TestingConfig):
        MONGODB_URI = f"mongomock://localhost/larder_move_{tmp_path.name}"

    import mongoengine

    mongoengine.disconnect_all()
    app = create_app(Config)
    if "migrate-sql" not in app.cli.commands:
        init_app(app)
    source = make_sqlite(tmp_path / "old.sqlite", some_rows() | {"downloads": [download(1)]})
    command = app.test_cli_runner().invoke
    try:
        for name, code in (("plan", 0), ("run", 0), ("verify", 0), ("undo", 0)):
            arguments = ["migrate-sql", name, *(["--source", source] if name != "undo" else []), "--quiet"]
            done = command(args=arguments)
            assert (name, done.exit_code, done.output if done.exit_code else "") == (name, code, "")
    finally:
        mongoengine.disconnect_all()
