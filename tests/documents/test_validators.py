"""The server itself refuses an edit by hand that would leave a page without what it shows."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import mongoengine as me
import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from pymongo import MongoClient
from pymongo.errors import OperationFailure, WriteError
from pymongo.monitoring import CommandListener, CommandStartedEvent

from tests import factories
from webapp.documents import DOCUMENTS, Package, Page, ensure_validators, validators
from webapp.documents.validators import schema_of, validator_of

pytestmark = pytest.mark.real_server


@pytest.fixture(autouse=True)
def guarded(app: Flask) -> Any:
    """The collections with their rules, for the time of a test."""
    database = Package._get_db()
    ensure_validators(database, DOCUMENTS)
    return database


def test_every_field_has_a_rule() -> None:
    def without_rule(document_type: Any) -> list[str]:
        return [name for name, rule in schema_of(document_type)["properties"].items() if not rule]

    assert {each: without_rule(each) for each in DOCUMENTS if without_rule(each)} == {}


@pytest.mark.parametrize(
    "change",
    [
        {"$set": {"releases": "none"}},
        {"$set": {"releases.0.version": 1.0}},
        {"$unset": {"releases.0.version": ""}},
        {"$set": {"releases.0.files.0.size": "1 kB"}},
        {"$set": {"releases.0.created_date": "2024-03-01"}},
        {"$set": {"latest": "1.0"}},
        {"$set": {"classifiers": "Topic :: X"}},
        {"$set": {"classifiers": None}},
        {"$set": {"releases.0.files": None}},
        {"$push": {"maintainers": {"name": "Ada"}}},
        {"$set": {"project_urls.Source": None}},
        {"$unset": {"name": ""}},
    ],
)
def test_slip_of_the_hand_is_refused(change: dict[str, Any]) -> None:
    factories.package()
    before = Package._get_collection().find_one()

    with pytest.raises(WriteError, match="Document failed validation"):
        Package._get_collection().update_one({"_id": "example"}, change)

    assert Package._get_collection().find_one() == before


@pytest.mark.parametrize(
    "change",
    [
        {"$set": {"note": "to be looked at", "releases.0.reviewed_by": ["Ada"]}},
        {"$set": {"summary": None, "latest.size": 5.0}},
        {"$unset": {"releases": "", "latest": "", "classifiers": ""}},
    ],
)
def test_what_a_page_can_be_made_of_is_accepted(change: dict[str, Any]) -> None:
    factories.package()

    changed = Package._get_collection().update_one({"_id": "example"}, change)

    assert changed.modified_count == 1


def test_reason_names_the_field_in_words() -> None:
    factories.package()

    with pytest.raises(WriteError) as refused:
        Package._get_collection().update_one({"_id": "example"}, {"$set": {"created_date": "yesterday"}})

    details = (refused.value.details or {})["errInfo"]["details"]
    assert details["title"] == "Package"
    assert details["schemaRulesNotSatisfied"][0]["propertiesNotSatisfied"][0]["description"] == (
        "created_date must be a date"
    )


def test_document_older_than_the_rules_can_still_be_changed() -> None:
    options: Any = {"bypass_document_validation": True}
    Page._get_collection().insert_one({"_id": "about", "title": 5}, **options)

    changed = Page._get_collection().update_one({"_id": "about"}, {"$set": {"content": "new"}})

    assert changed.modified_count == 1


def test_second_time_nothing_is_set(guarded: Any, mongod_uri: str) -> None:
    class Seen(CommandListener):
        names: list[str] = []

        def started(self, event: CommandStartedEvent) -> None:
            self.names.append(event.command_name)

        def succeeded(self, event: Any) -> None:
            """Not asked for."""

        def failed(self, event: Any) -> None:
            """Not asked for."""

    with MongoClient[Any](mongod_uri, event_listeners=[Seen()]) as client:
        ensure_validators(client[guarded.name], DOCUMENTS)

    assert "listCollections" in Seen.names
    assert not {"collMod", "create"} & set(Seen.names)


def test_command_sets_the_rules(guarded: Any, runner: FlaskCliRunner) -> None:
    guarded.command({"collMod": "packages", "validator": {}})

    assert runner.invoke(args=["db", "ensure-indexes"]).exit_code == 0

    assert guarded["packages"].options()["validator"] == validator_of(Package)
    assert guarded["packages"].options()["validationLevel"] == "moderate"


def test_account_that_may_not_set_rules_is_told_so(
    guarded: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise OperationFailure("not authorized", 13)

    monkeypatch.setattr("pymongo.database.Database.command", refuse)

    with caplog.at_level(logging.WARNING):
        validators.set_validator(guarded["packages"], {})

    assert "packages has no validation rules" in caplog.text


def test_fields_of_every_kind_have_a_rule() -> None:
    class Made(me.EmbeddedDocument):
        ratio = me.FloatField(required=True)
        data = me.BinaryField()
        unheard_of = me.PointField()

    assert schema_of(Made) == {
        "bsonType": "object",
        "properties": {
            "ratio": {"bsonType": ["int", "long", "double"], "description": "ratio must be a number"},
            "data": {"bsonType": ["binData", "null"], "description": "data must be binary"},
            "unheard_of": {},
        },
        "required": ["ratio"],
    }


def test_sites_that_start_at_once_on_an_empty_database_all_set_the_rules(app: Flask) -> None:
    here = Package._get_db()
    for number in range(3):
        name = f"{here.name}_{number}"
        beginning = threading.Barrier(6)

        def start(name: str = name, beginning: threading.Barrier = beginning) -> None:
            beginning.wait()
            ensure_validators(here.client[name], DOCUMENTS)

        with ThreadPoolExecutor(6) as sites:
            for started in [sites.submit(start) for _ in range(6)]:
                started.result()
        rules = {each["name"]: each["options"].get("validator") for each in here.client[name].list_collections()}
        here.client.drop_database(name)
        assert rules == {each._get_collection_name(): validator_of(each) for each in DOCUMENTS}
