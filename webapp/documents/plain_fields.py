"""The fields of plain dictionaries that pages read, so that mypy notices a misspelt one.

`plain()` leaves out missing fields and those of the wrong type, so all of them are optional.
"""

from datetime import datetime
from typing import Any, TypedDict

import bson


class SourceFields(TypedDict, total=False):
    """A plain `Source`."""

    issuer: str
    repository: str
    repository_url: str
    commit: str
    commit_url: str
    workflow: str
    ref: str
    environment: str


class FileFields(TypedDict, total=False):
    """A plain `ReleaseFile`."""

    filename: str
    url: str
    size: int
    packagetype: str
    python_version: str
    sha256: str
    md5: str
    blake2b_256: str
    uploaded_at: datetime
    requires_python: str
    yanked: bool
    yanked_reason: str
    comment: str
    metadata_sha256: str
    is_attested: bool
    signed_by: str
    provenance_url: str
    uploaded_by: str
    uploaded_with: str
    source: SourceFields


class ReleaseFields(TypedDict, total=False):
    """A plain `Release`."""

    version: str
    sort_key: str
    created_date: datetime
    comment: str
    url: str
    size: int
    is_prerelease: bool
    yanked: bool
    yanked_reason: str
    requires_python: str
    file_count: int
    files: list[FileFields]
    as_of: int
    differing: list[str]
    legacy: dict[str, Any]


class ShownReleaseFields(TypedDict, total=False):
    """A plain `Latest` or `NewestRelease`."""

    version: str
    created_date: datetime
    size: int


class MaintainerFields(TypedDict, total=False):
    """A plain `Maintainer`."""

    user_id: bson.ObjectId
    name: str
    role: str


class TeamRoleFields(TypedDict, total=False):
    """A plain `TeamRole`."""

    team: str
    role: str


class StatusFields(TypedDict, total=False):
    """A plain `ProjectStatus`."""

    marker: str
    reason: str
    successor: str
    since: datetime


class PackageFields(TypedDict, total=False):
    """A plain `Package`."""

    normalized_name: str
    name: str
    summary: str
    description: str
    description_content_type: str
    description_html: str
    description_renderer: str
    description_problem: str
    description_id: str
    home_page: str
    docs_url: str
    package_url: str
    project_urls: dict[str, str]
    download_url: str
    bugtrack_url: str
    author_name: str
    author_email: str
    maintainer_name: str
    maintainer_email: str
    license: str
    license_expression: str
    license_files: list[str]
    license_id: str
    keywords: list[str]
    platform: str
    dynamic: list[str]
    classifiers: list[str]
    requires_python: str
    requires_dist: list[str]
    requires: list[str]
    provides_extra: list[str]
    entry_points: list[str]
    created_date: datetime
    updated_date: datetime
    status: StatusFields
    status_before_quarantine: StatusFields
    signers: list[str]
    readers: list[str]
    publishers: list[dict[str, Any]]
    only_publishers: bool
    release_rule: str
    maintainers: list[MaintainerFields]
    teams: list[TeamRoleFields]
    invitations: list[dict[str, Any]]
    latest: ShownReleaseFields
    newest_release: ShownReleaseFields
    release_count: int
    releases: list[ReleaseFields]
    last_serial: int
    unwritten: list[dict[str, Any]]
    legacy: dict[str, Any]


class FactsFields(PackageFields, total=False):
    """A plain `ReleaseFacts`: the fields of a package that a release states, and where they come from."""

    key: str
    source: str
    filename: str
    as_of: int
    stated_at: datetime
