"""The fields that mypy knows are those that the documents declare."""

from typing import Any, get_type_hints

import pytest

from webapp.documents import (
    Latest,
    Maintainer,
    NewestRelease,
    Package,
    Release,
    ReleaseFacts,
    ReleaseFile,
    Source,
    TeamRole,
)
from webapp.documents.plain_fields import (
    FactsFields,
    FileFields,
    MaintainerFields,
    PackageFields,
    ReleaseFields,
    ShownReleaseFields,
    SourceFields,
    StatusFields,
    TeamRoleFields,
)
from webapp.documents.project_status import ProjectStatus


@pytest.mark.parametrize(
    ("document_type", "fields"),
    [
        (Package, PackageFields),
        (Release, ReleaseFields),
        (ReleaseFile, FileFields),
        (Source, SourceFields),
        (Maintainer, MaintainerFields),
        (TeamRole, TeamRoleFields),
        (ProjectStatus, StatusFields),
        (Latest, ShownReleaseFields),
    ],
)
def test_fields_are_those_of_the_document(document_type: Any, fields: Any) -> None:
    assert set(document_type._fields) == set(fields.__annotations__)


def test_facts_are_among_the_fields() -> None:
    assert set(ReleaseFacts._fields) <= set(get_type_hints(FactsFields))


def test_newest_release_has_no_field_that_latest_lacks() -> None:
    assert set(NewestRelease._fields) <= set(Latest._fields)


@pytest.mark.parametrize(
    "fields", [PackageFields, ReleaseFields, FileFields, SourceFields, MaintainerFields, TeamRoleFields, StatusFields]
)
def test_any_field_may_be_absent(fields: Any) -> None:
    assert fields.__required_keys__ == set()
