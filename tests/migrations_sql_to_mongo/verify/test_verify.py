"""Arbitrary rows: every one is accounted for, plan and run agree, verify accepts the copy and no change of it.

HYPOTHESIS_EXAMPLES raises the number of examples.
"""

import copy
import os
import random
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from migrations_sql_to_mongo import mapping
from migrations_sql_to_mongo import verify as verifying
from migrations_sql_to_mongo.copying import Copy
from migrations_sql_to_mongo.layout import TABLES, Layout
from migrations_sql_to_mongo.source import Source
from migrations_sql_to_mongo.tally import Tally
from migrations_sql_to_mongo.target import Target
from tests.migrations_sql_to_mongo.old_site import NAMES, Raw, Rows, make_sqlite
from tests.migrations_sql_to_mongo.verify.conftest import COLLECTIONS, compared, copied

EXAMPLES = int(os.environ.get("HYPOTHESIS_EXAMPLES", "25"))
names = st.sampled_from(["flask", "Flask", "foo_bar", "foo.bar", "a", "zz", "no name", "", "z-9", "é"])
few = st.integers(min_value=-1, max_value=6)
any_text = st.text(max_size=20) | st.sampled_from(["", "1.0", "12 MB", "x" * 300])
any_text = any_text.filter(lambda text: all(not "\ud800" <= sign <= "\udfff" for sign in text))
raw = st.binary(max_size=6).map(Raw)
any_number = st.none() | few | st.integers(-(2**63), 2**63 - 1) | st.floats() | any_text | st.binary(max_size=3)
any_date = (
    st.datetimes().map(str)
    | st.none()
    | st.integers(-(10**15), 10**15)
    | st.sampled_from(
        ["yesterday", "0000-00-00", "2020-01-02 03:04:05", "2020-10-25 02:30:00", "2020-01-02T03:04:05+02:00"]
    )
    | st.floats()
    | raw
)
files = st.builds(
    "https://f.example/{}-{}{}".format,
    names,
    st.sampled_from(["1.0", "2004b", "1.0rc1", "1.0-beta", "x", "0.9-old", "1!2.0+l", "1.0-py3-none-any"]),
    st.sampled_from([".tar.gz", ".zip", ".whl", ".exe", ".egg", "", ".tar.gz#x", ".linux-x86_64.tar.gz"]),
)
value = st.none() | any_text | raw


def rows_of(table: str, **special: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Up to eight rows of a table."""
    kinds = {"text": value, "integer": any_number, "key": any_number, "date": any_date}
    columns = {name: special.get(name, kinds[TABLES[table][name]]) for name in NAMES[table]}
    return st.lists(st.fixed_dictionaries(columns), max_size=8)


sources: st.SearchStrategy[Rows] = st.fixed_dictionaries(
    {
        "licenses": rows_of("licenses", id=names | value),
        "languages": rows_of("languages", id=names),
        "users": rows_of("users", id=few | any_number, email=st.sampled_from(["a@x", "A@X", "", None]) | value),
        "packages": rows_of("packages", id=names | value, license=names | value),
        "releases": rows_of(
            "releases", id=st.integers(0, 99) | any_number, package_id=names | value | few, url=files | value
        ),
        "maintainers": rows_of("maintainers", user_id=few, package_id=names | value),
        "downloads": rows_of("downloads", id=few | any_number, package_id=names, release_id=few | any_number),
        "auditing": rows_of("auditing", id=names | value),
    }
)


def two_binary_keys_with_one_address() -> Rows:
    """Two people whose ids are bytes, as UUIDs often are, and who share an address."""
    person = dict.fromkeys(NAMES["users"]) | {"email": "a@x"}
    return {table: [] for table in TABLES} | {"users": [person | {"id": b"\x00"}, person | {"id": b"\x01"}]}


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@example(rows=two_binary_keys_with_one_address(), zone="UTC", encoding=None)
@given(rows=sources, zone=st.sampled_from(["UTC", "Europe/Berlin"]), encoding=st.sampled_from([None, "latin-1"]))
def test_any_rows_are_accounted_for_and_verified(target: Target, rows: Rows, zone: str, encoding: str | None) -> None:
    layout = Layout(timezones={"": zone}, encoding=encoding)
    with tempfile.TemporaryDirectory() as folder:
        url = make_sqlite(Path(folder) / "old.sqlite", rows)
        planned = Tally()
        with Source(url, layout) as source:
            documents = [bson.decode(one.bson)["_id"] for one in Copy(source, planned).documents()]

        done = copied(url, target, layout)
        found = compared(url, target, layout)

    assert done.as_dict() == planned.as_dict()
    assert len(documents) == sum(done.documents.values()) + done.rejected
    done.check()
    for table, account in done.tables.items():
        assert account.read == len(rows[table]) == account.migrated + account.rejected
    assert found.differences == []


def other_value(old: Any, rng: random.Random) -> Any:
    """A value that is not this one, perhaps of another type."""
    match old:
        case str():
            return old + "x"
        case bool():
            return not old
        case bson.Int64():
            return rng.choice([bson.Int64(old + 1), float(old)])
        case int():
            return rng.choice([old + 1, float(old), str(old)])
        case datetime():
            return old + timedelta(milliseconds=1)
    return "something"


def changed(document: dict[str, Any], rng: random.Random) -> str:
    """Change one value anywhere in a document, and return what was done."""
    holder: Any = document
    path = ""
    while True:
        keys = [key for key in (holder if isinstance(holder, dict) else range(len(holder))) if key != "_id"]
        key = rng.choice(keys)
        path += f".{key}"
        if isinstance(holder[key], dict | list) and holder[key]:
            holder = holder[key]
            if rng.random() < 0.2:
                key = rng.choice(list(holder if isinstance(holder, dict) else range(len(holder))))
                if key != "_id":
                    del holder[key]
                    return f"removed {path}.{key}"
            continue
        old = holder[key]
        new = other_value(old, rng)
        holder[key] = new
        return f"{path}: {old!r} -> {new!r}"


@pytest.mark.parametrize("seed", range(40))
def test_any_single_change_is_found(target: Target, good_copy: str, seed: int) -> None:
    rng = random.Random(seed)
    collection = rng.choice(list(COLLECTIONS))
    before = rng.choice(list(target.db[collection].find()))
    after = copy.deepcopy(before)
    done = changed(after, rng) if seed % 4 else "added"
    if seed % 4 == 0:
        after[f"extra{seed}"] = datetime(2020, 1, 1, tzinfo=UTC)
    target.db[collection].replace_one({"_id": before["_id"]}, after)

    found = compared(good_copy, target, Layout())

    target.db[collection].replace_one({"_id": before["_id"]}, before)
    # What another renderer made is counted, not compared.
    assert found.count + found.other_renderer > 0, (collection, done)
    assert found.other_renderer or any(line.startswith(collection) for line in found.differences)


def test_verify_shares_no_mapping_code() -> None:
    theirs = {name for name in vars(mapping) if callable(getattr(mapping, name))}
    shared = {
        name
        for name in vars(verifying)
        if getattr(getattr(verifying, name), "__module__", "").endswith((".mapping", ".copying"))
    }

    assert theirs
    assert shared == set()
