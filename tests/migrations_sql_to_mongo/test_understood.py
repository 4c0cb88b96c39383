"""plan says how it understood a map."""

import re
from collections.abc import Callable
from pathlib import Path

from tests.migrations_sql_to_mongo.conftest import Site
from tests.migrations_sql_to_mongo.suggested import DJANGO


def test_plan_says_what_it_understood(old_site: Callable[[str], Site], tmp_path: Path) -> None:
    django = old_site(DJANGO)
    (tmp_path / "map.toml").write_text(django.suggested())

    shown = django.move("plan", "--map", str(tmp_path / "map.toml")).out

    assert "## What the map says" in shown
    assert "releases, from shop_release:\n\n- joined: package_id -> shop_package.id\n" in shown
    rows = [re.split(r"\s*\|\s*", line.strip("| ")) for line in shown.splitlines() if line.startswith("|")]
    assert ["name", "first_name + last_name", "Ada Lovelace", "", "Cy"] in rows
    assert ["is_active", "is_active", "yes", "no", "yes"] in rows
    assert ["is_staff", "is_staff", "yes", "yes", "no"] in rows
    assert ["hashed_password", "password", "(hidden)", "(hidden)", "(hidden)"] in rows
    assert ["keywords", "tags", "one, two"] in rows
    assert "pbkdf2" not in shown
    assert "access rights that are not moved" not in shown
