"""Trusted publishing: the pipelines that may publish to a project, or create one."""

from collections.abc import Mapping
from itertools import islice
from typing import NamedTuple

import bson
from packaging.utils import NormalizedName

from webapp.changes.changing import Act
from webapp.changes.maintaining import NotThere, project_changes
from webapp.changes.project_status import refuse_in_quarantine
from webapp.documents import Package, PendingPublisher, Publisher, Source, User
from webapp.documents.base import utc_now
from webapp.documents.package import OWNER
from webapp.documents.publisher import MOST_PUBLISHERS, PENDING_FOR
from webapp.rules.publishers import OWNERS, keys_of, mismatch, source_of

# How many pending publishers a member can have.
MOST_PENDING = 10
# How many publishers are compared with a token before it is exchanged. Each upload compares it again.
MOST_COMPARED = 200


class NotTrusted(RuntimeError):
    """No publisher of the project fits the token of a pipeline. The message says why, on one line."""


class OnlyPublishers(RuntimeError):
    """The project accepts new files from its trusted publishers only."""


class SessionsDemanded(RuntimeError):
    """The project takes new files through publishing sessions, so pipelines cannot be its only publishers."""


class TooManyPublishers(RuntimeError):
    """One of the publishers has to be removed first."""


class AlreadyPrepared(RuntimeError):
    """Another member has a pending publisher for the same project and pipeline."""


class Pipeline(NamedTuple):
    """A pipeline that uploads: who signed its token, and what that says."""

    issuer: str
    claims: Mapping[str, str]

    @property
    def source(self) -> Source:
        """Where its files come from."""
        return Source(**source_of(self.issuer, self.claims))


def add_publisher(normalized_name: NormalizedName, publisher: Publisher, by: User) -> bool:
    """Let a pipeline publish to a project; False if it may already. Raises NotPermitted and TooManyPublishers."""
    for change in project_changes(normalized_name, OWNER, by):
        with change:
            refuse_in_quarantine(change.package)
            present = change.package.publishers or []
            if any(_is_same(each, publisher) for each in present):
                continue
            if len(present) >= MOST_PUBLISHERS:
                raise TooManyPublishers(f"A project can have {MOST_PUBLISHERS} trusted publishers. Remove one first.")
            change.package.publishers = [*present, publisher]
            change.act = Act("add publisher", note=publisher.key[:300])
    return change.act is not None


def remove_publisher(normalized_name: NormalizedName, publisher_id: str, by: User) -> Publisher:
    """Remove a publisher, whose tokens are worthless at once, and return it. Raises NotPermitted and NotThere."""
    for change in project_changes(normalized_name, OWNER, by):
        with change:
            present = change.package.publishers or []
            removed = [each for each in present if each.publisher_id == publisher_id]
            if not removed:
                raise NotThere("The project no longer has this trusted publisher.")
            change.package.publishers = [each for each in present if each not in removed] or None
            change.act = Act("remove publisher", note=removed[0].key[:300])
    return removed[0]


def demand_publishers(normalized_name: NormalizedName, by: User, *, is_demanded: bool) -> bool:
    """Demand that new files come from trusted publishers, or accept API tokens too; False if that is how it was.

    Raises NotPermitted and SessionsDemanded.
    """
    for change in project_changes(normalized_name, OWNER, by):
        with change:
            refuse_in_quarantine(change.package)
            if is_demanded and change.package.release_rule:
                raise SessionsDemanded(
                    "The project takes new files through publishing sessions only, and trusted publishers have no "
                    "sessions. Change that in its settings first."
                )
            if bool(change.package.only_publishers) != is_demanded:
                change.package.only_publishers = is_demanded or None
                change.act = Act("accept publishers only" if is_demanded else "accept tokens too")
    return change.act is not None


def add_pending(normalized_name: NormalizedName, publisher: Publisher, by: User) -> None:
    """Let a pipeline create a project within 30 days. Raises TooManyPublishers and AlreadyPrepared.

    The project will belong to this member, so nobody else may have prepared it for the same pipeline.
    """
    same = PendingPublisher.objects.for_project(normalized_name).filter(publisher__key=publisher.key)
    if same.filter(user_id__ne=by.id).count():
        raise AlreadyPrepared(
            f"Somebody else has prepared {normalized_name} for this pipeline, and would own it. Ask an administrator."
        )
    if PendingPublisher.objects.of_user(by.id).count() >= MOST_PENDING:
        raise TooManyPublishers(f"You can have {MOST_PENDING} pending publishers. Remove one first.")
    PendingPublisher(
        project=normalized_name, user_id=by.id, publisher=publisher, expires_at=utc_now() + PENDING_FOR
    ).save(force_insert=True)


def projects_of(issuer: str, claims: Mapping[str, str]) -> list[str]:
    """Return the projects that a pipeline may publish. Raises NotTrusted, with the reason, if there is none.

    Anybody may add a publisher with somebody else's repository, so there may be many; only some are compared.
    """
    keys = keys_of(issuer, claims)
    packages = Package.objects.published_by(keys).only("publishers").limit(MOST_COMPARED).plain()
    pending = PendingPublisher.objects.with_key(keys).limit(MOST_COMPARED).plain()
    found = [(each["normalized_name"], each.get("publishers", [])) for each in packages]
    found += [(each["project"], [each["publisher"]]) for each in pending if each.keys() >= {"project", "publisher"}]
    reasons = {name: _refusal([Publisher(**each) for each in listed], issuer, claims) for name, listed in found}
    names = [name for name, reason in reasons.items() if reason is None]
    if names or len(found) >= MOST_COMPARED:
        return names
    raise NotTrusted(_summary(reasons, issuer, claims))


def check_pipeline(package: Package, pipeline: Pipeline) -> Publisher:
    """Return the publisher of a project that fits a pipeline. Raises NotTrusted."""
    listed = package.publishers or []
    reason = _refusal(listed, pipeline.issuer, pipeline.claims)
    if reason is not None:
        raise NotTrusted(f"The project {package.pk} does not trust this pipeline: {reason}.")
    return next(each for each in listed if _mismatch(each, pipeline.issuer, pipeline.claims) is None)


def pending_for(normalized_name: NormalizedName, pipeline: Pipeline) -> tuple[PendingPublisher, User]:
    """Return the pending publisher by which a pipeline may create a project, and who owns that. Raises NotTrusted."""
    reasons = [f"there is no project {normalized_name}, and no pending publisher for it"]
    for each in PendingPublisher.objects.for_project(normalized_name).order_by("pk").limit(MOST_COMPARED).plain():
        pending = PendingPublisher(**each)
        reason = _mismatch(pending.publisher, pipeline.issuer, pipeline.claims)
        user = User.objects(pk=pending.user_id, is_disabled__ne=True).declared_first()
        if reason is None and user is not None and pending.expires_at > utc_now():
            return pending, user
        reasons = [f"for {normalized_name}, {reason or 'the pending publisher has expired'}"]
    raise NotTrusted(f"This pipeline cannot create the project: {reasons[0]}.")


def check_admitted(normalized_name: NormalizedName, pipeline: Pipeline) -> None:
    """Raise NotTrusted unless a pipeline may publish to a project, or create it."""
    package = Package.objects(pk=normalized_name).only("publishers").declared_first()
    if package is None:
        pending_for(normalized_name, pipeline)
    else:
        check_pipeline(package, pipeline)


def used(publisher: Publisher, pipeline: Pipeline) -> None:
    """Note in a publisher of a package that it was used, and by whose repository; the caller stores the package."""
    publisher.last_used_at = utc_now()
    publisher.owners = publisher.owners or {name: pipeline.claims[name] for name in OWNERS if name in pipeline.claims}


def forget_pending(package: Package) -> None:
    """Remove the pending publishers that are publishers of a new package by now."""
    ids = [each.publisher_id for each in package.publishers or []]
    PendingPublisher.objects.raw().delete_many({"project": package.pk, "publisher.publisher_id": {"$in": ids}})


def check_member(package: Package) -> None:
    """Raise OnlyPublishers if new files of a package cannot come from a member's API token."""
    if package.only_publishers:
        raise OnlyPublishers(f"The project {package.pk} accepts new files from its trusted publishers only.")


def new_publisher(issuer: str, key: str, conditions: dict[str, str], by: User) -> Publisher:
    """Return a publisher that is not stored yet."""
    return Publisher(
        publisher_id=str(bson.ObjectId()),
        key=key,
        issuer=issuer,
        conditions=conditions,
        added_by=by.id,
        added_at=utc_now(),
    )


def _refusal(listed: list[Publisher], issuer: str, claims: Mapping[str, str]) -> str | None:
    """Return None if one of the publishers fits, otherwise why the nearest one does not."""
    keys, reasons = set(keys_of(issuer, claims)), ["none of its trusted publishers is this one"]
    for publisher in islice(listed, MOST_PUBLISHERS):
        reason = _mismatch(publisher, issuer, claims)
        if reason is None:
            return None
        if publisher.key in keys:
            reasons.append(reason)
    return reasons[-1]


def _mismatch(publisher: Publisher, issuer: str, claims: Mapping[str, str]) -> str | None:
    if not (publisher.key and publisher.issuer and publisher.conditions):  # from a manual edit
        return "it is incomplete"
    if publisher.issuer != issuer:
        return f"its issuer is {issuer} instead of {publisher.issuer}"
    return mismatch({**publisher.conditions, **(publisher.owners or {})}, claims)


def _is_same(one: Publisher, other: Publisher) -> bool:
    return one.issuer == other.issuer and one.conditions == other.conditions


def _summary(reasons: Mapping[str, str | None], issuer: str, claims: Mapping[str, str]) -> str:
    if reasons:
        name, reason = next(iter(reasons.items()))
        return f"The trusted publisher of {name} does not match: {reason}."
    said = source_of(issuer, claims).get("repository") or "this token"
    return f"No project has a trusted publisher for {said} ({issuer}). Add one in the settings of the project."
