"""Each question of each page uses an index: asked of a real server's plans and of its own record of what it did."""

import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

import bson
import pymongo
import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from mongoengine import QuerySet

from tests import factories
from tests.beginnings import begin
from tests.conftest import SLOW, empty, lift_rules
from tests.counting import counted
from webapp.changes import search_index, site_stats
from webapp.documents import (
    DOCUMENTS,
    Advisory,
    ApiToken,
    DownloadCount,
    JournalEntry,
    KnownName,
    License,
    Package,
    Page,
    PendingPublisher,
    ProgrammingLanguage,
    PublishingSession,
    SiteStats,
    StoredFile,
    Team,
    UpstreamFile,
    UpstreamProject,
    User,
    Watcher,
    Webhook,
    WebhookMessage,
    ensure_indexes,
    indexes,
)
from webapp.documents.advisory import AdvisoryQuerySet
from webapp.documents.api_token import TokenQuerySet
from webapp.documents.base import utc_now
from webapp.documents.download_count import DownloadCountQuerySet
from webapp.documents.indexes import ensure_one
from webapp.documents.journal import JournalQuerySet
from webapp.documents.labels import LabelQuerySet
from webapp.documents.package_queries import PackageQuerySet
from webapp.documents.page import PageQuerySet
from webapp.documents.publisher import PendingQuerySet
from webapp.documents.stored_file import StoredFileQuerySet
from webapp.documents.team import TeamQuerySet
from webapp.documents.user import UserQuerySet, object_id_of_sql_id
from webapp.documents.watcher import WatcherQuerySet
from webapp.documents.webhook import WebhookMessageQuerySet, WebhookQuerySet

MONTHS = ["2024-02", "2024-03"]
ADA = object_id_of_sql_id(63)
HIDDEN = {"readers": {"$gt": "", "$nin": ["staff"]}}
PACKAGES = 300
BY_INDEX = ("IXSCAN", "IDHACK", "EXPRESS", "COUNT_SCAN", "DISTINCT_SCAN", "EOF", "RECORD_STORE_FAST_COUNT")


class Question(NamedTuple):
    """What a page asks, and the index that answers it."""

    page: str
    index_name: str
    ask: Callable[[], QuerySet]
    named: str = ""  # the queryset's own name for it


QUESTIONS = [
    Question("/", "in_footer", lambda: Page.objects.in_footer().limit(20), "in_footer"),
    Question("/", "_id_", lambda: SiteStats.objects(pk="site")),
    Question("/projects/", "_id_", lambda: Package.objects.listed().order_by("pk").skip(20).limit(20), "listed"),
    Question(
        "/projects/?order=newest", "newest_projects", lambda: Package.objects.order_by("-created_date", "pk").limit(20)
    ),
    Question(
        "/projects/?order=updated",
        "newest_releases",
        lambda: Package.objects.order_by("-newest_release.created_date", "pk").limit(20),
    ),
    Question(
        "/projects/?order=releases", "most_releases", lambda: Package.objects.order_by("-release_count", "pk").limit(20)
    ),
    Question(
        "/projects/?starts=", "_id_", lambda: Package.objects.starting_with("package-1").order_by("pk"), "starting_with"
    ),
    Question("/license/", "by_license", lambda: Package.objects.under_license("MIT").limit(20), "under_license"),
    Question("/license/", "_id_", lambda: License.objects(pk="MIT")),
    Question("/classifier/", "by_classifier", lambda: Package.objects.classified("Topic :: A").limit(20), "classified"),
    Question("/language/", "_id_", lambda: ProgrammingLanguage.objects(pk="python")),
    Question("/used-by/", "by_requirement", lambda: Package.objects.requiring("flask").limit(20), "requiring"),
    Question("/project/", "by_package", lambda: DownloadCount.objects.of_releases("package-7", MONTHS), "of_releases"),
    Question("/stats/", "by_month", lambda: DownloadCount.objects.of_site(), "of_site"),
    Question("/stats/", "by_month", lambda: DownloadCount.objects.of_projects(MONTHS), "of_projects"),
    Question("flask files clean", "by_contents", lambda: UpstreamFile.objects(content_id__in=[ADA])),
    Question("/simple/<name>/", "_id_", lambda: UpstreamProject.objects(pk="package-7")),
    Question("/user/", "by_maintainer", lambda: Package.objects.maintained_by(ADA).limit(20), "maintained_by"),
    Question("each page for a member", "by_reader", lambda: Package.objects(__raw__=HIDDEN), "hidden_from"),
    Question("each page for a member", "by_reader", lambda: KnownName.objects(__raw__=HIDDEN), "hidden_from"),
    Question("/teams/<team>/delete", "by_reader", lambda: Package.objects.narrowed_to("staff"), "narrowed_to"),
    Question("/teams/<team>/projects", "by_team", lambda: Package.objects.of_team("staff").limit(20), "of_team"),
    Question("/teams/<team>/", "by_team", lambda: User.objects.of_team("staff").order_by("pk").limit(20), "of_team"),
    Question("/teams/", "_id_", lambda: Team.objects.in_order(), "in_order"),
    Question("/account/login", "by_group", lambda: Team.objects.with_groups(["engineers"]), "with_groups"),
    Question("/_/oidc/mint-token", "by_publisher", lambda: Package.objects.published_by(["ci"]), "published_by"),
    Question("/_/oidc/mint-token", "by_publisher", lambda: PendingPublisher.objects.with_key(["ci"]), "with_key"),
    Question("/legacy/", "by_project", lambda: PendingPublisher.objects.for_project("package-1"), "for_project"),
    Question("/account/publishers/", "by_user", lambda: PendingPublisher.objects.of_user(ADA), "of_user"),
    Question("/admin/packages", "by_status", lambda: Package.objects.quarantined().limit(20), "quarantined"),
    Question("/packages/", "_id_", lambda: Package.objects.quarantined().filter(pk="package-7").limit(1)),
    Question("/user/ada/", "one_user_a_username", lambda: User.objects.addressed("ada"), "addressed"),
    Question(
        "/account/oidc/callback",
        "one_user_an_identity",
        lambda: User.objects.with_identity("https://login.example.org", "ada"),
        "with_identity",
    ),
    Question("/user/63/", "_id_", lambda: User.objects.addressed("63"), "addressed"),
    Question("/user/ada/", "one_user_a_username", lambda: User.objects.addressed("ada").public(), "public"),
    Question("/simple/<name>/", "_id_", lambda: Package.objects.named("Package_7"), "named"),
    Question(
        "flask files clean",
        "unwritten_entries",
        lambda: Package.objects.with_unwritten_entries(),
        "with_unwritten_entries",
    ),
    Question("/files/", "_id_", lambda: StoredFile.objects.named("a.whl"), "named"),
    Question("flask files clean", "deleting", lambda: StoredFile.objects.deleting(factories.A_DAY), "deleting"),
    Question("/legacy/", "by_skeleton", lambda: KnownName.objects.looking_like("package-1"), "looking_like"),
    Question("/manage/<name>/", "bytes_of_project", lambda: StoredFile.objects.of_project("package-1"), "of_project"),
    Question("/manage/", "bytes_of_account", lambda: StoredFile.objects.of_account(ADA), "of_account"),
    Question(
        "/manage/<name>/", "with_warnings", lambda: StoredFile.objects.with_warnings("package-1"), "with_warnings"
    ),
    Question("flask files clean", "arriving", lambda: StoredFile.objects.arriving(), "arriving"),
    Question(
        "flask files clean", "by_contents", lambda: StoredFile.objects.with_contents([bson.ObjectId()]), "with_contents"
    ),
    Question(
        "POST /upload/<id>/publish", "by_session", lambda: StoredFile.objects.of_session(bson.ObjectId()), "of_session"
    ),
    Question(
        "/manage/<name>/sessions/",
        "by_package",
        lambda: PublishingSession.objects.of_project("package-1"),
        "of_project",
    ),
    Question(
        "POST /upload/",
        "by_package",
        lambda: PublishingSession.objects.live_of_project("package-1"),
        "live_of_project",
    ),
    Question("/manage/", "by_account", lambda: PublishingSession.objects.live_of_account(ADA), "live_of_account"),
    Question("/stage/", "by_stage", lambda: PublishingSession.objects.with_stage_token("a"), "with_stage_token"),
    Question("POST /legacy/", "one_token_a_digest", lambda: ApiToken.objects(digest="a" * 64)),
    Question("/teams/<team>/tokens", "by_owner", lambda: ApiToken.objects.of_owner("team", "staff"), "of_owner"),
    Question(
        "every hour", "by_expiry", lambda: ApiToken.objects.expiring(factories.A_DAY, factories.A_DAY), "expiring"
    ),
    Question("/account/tokens/", "by_user", lambda: ApiToken.objects.of_user(ADA), "of_user"),
    Question("/manage/<name>/settings", "_id_", lambda: Package.objects(pk="package-7").managed(), "managed"),
    Question("/manage/", "by_maintainer", lambda: Package.objects.maintained_by(ADA).listed().limit(20)),
    Question(
        "/manage/<name>/history", "by_package", lambda: JournalEntry.objects.about_package("package-7"), "about_package"
    ),
    Question("/legacy/", "by_package", lambda: JournalEntry.objects.deletions("package-7").limit(1), "deletions"),
    Question("/company/history", "_id_", lambda: Page.objects(pk="company/history")),
    Question("/osv/v1/querybatch", "by_package", lambda: Advisory.objects.about(["package-7", "package-8"]), "about"),
    Question("/osv/v1/query", "by_package", lambda: Advisory.objects.affecting("package-7", "a1"), "affecting"),
    Question(
        "/osv/v1/query",
        "by_package",
        lambda: Advisory.objects.about(["package-7"]).standing().order_by("pk"),
        "standing",
    ),
    Question("each import", "newest_advisories", lambda: Advisory.objects.since(utc_now()), "since"),
    Question("/advisories/", "newest_advisories", lambda: Advisory.objects.newest(20), "newest"),
    Question("each event", "by_project", lambda: Watcher.objects.of(["package-7"]), "of"),
    Question("/rss/watching/", "one_feed_a_digest", lambda: Watcher.objects.with_feed("a" * 64), "with_feed"),
    Question("/manage/<name>/webhooks", "by_project", lambda: Webhook.objects.of_project("package-7"), "of_project"),
    Question("each event", "by_project", lambda: Webhook.objects.interested_in(["package-7"]), "interested_in"),
    Question(
        "/manage/<name>/webhooks/<hook_id>", "by_webhook", lambda: WebhookMessage.objects.of_webhook(ADA), "of_webhook"
    ),
    Question("each delivery", "due_messages", lambda: WebhookMessage.objects.next_of(ADA), "next_of"),
    Question("every two seconds", "untold_entries", lambda: JournalEntry.objects.untold(), "untold"),
    Question("flask advisories import", "own_advisories", lambda: Advisory.objects(is_own=True)),
    Question("/sitemap/pages.xml", "_id_", lambda: License.objects.in_order(), "in_order"),
]

# Named questions that give no queryset, or what `listed` asks with some fields more; their pages stand below.
ASKED_OTHERWISE = {
    "inviting",  # of two indexes, below
    "known",  # by a batch of queries, below
    "names",
    "count_up_to",
    "plain",
    "as_plain",
    "add_missing",
    "meaning",
    "last_serial",
    "raw_installable",  # by key
    "names_among",  # by key
    "total_bytes",  # the sum of `of_project` and `of_account`
    "last_deletion",  # the first of `deletions`
    "listed_with_requirements",
    "newest",
    "newly_released",
    "users_of",
    "of_project",
    "told",
    "hidden_from_some",  # as hidden_from
    "fields_of",  # by key
    "stop",  # by key
    "is_quarantined",  # by key
}

# The pages whose every question, counts and aggregations among them, is read from the server's own record.
PAGES = [
    "/project/package-7/",
    "/project/package-7/1.0/",
    "/rss/updates.xml",
    "/rss/packages.xml",
    "/rss/project/package-7/releases.xml",
    "/pypi/package-7/json",
    "/pypi/package-7/1.0/json",
    "/simple/package-7/",
    "/simple/",
    "/sitemap/0.xml",
    "/",
    "/projects/",
    "/projects/?page=2",
    "/projects/?order=newest",
    "/projects/?order=updated",
    "/projects/?order=releases",
    "/projects/?starts=package-1",
    "/license/MIT/",
    "/language/python/",
    "/classifier/Topic%20::%20A/",
    "/used-by/flask/",
    "/user/ada/",
    "/user/63/",
    "/search/?q=",
    "/search/?q=package-7",
    "/search/?q=word",
    "/search/?q=word+number7",
    "/search/?q=word&order=name",
    "/search/?q=word&license=MIT&classifier=Topic+::+A&recent=1",
    "/search/?q=word&license=MIT&order=updated",
    "/search/?q=author:nobody+word",
    "/search/?license=MIT",
    "/search/?q=package-longer",
    "/search/?order=newest",
    "/search/?order=downloads",
    "/search/?q=word&order=downloads",
    "/search/?q=pacakge",
    "/search/suggest?q=pack",
    "/search/suggest?q=package-longer",
    "/stats/",
    "/company/history",
    "/advisories/",
    "/advisories/?page=2",
    "/advisories/?q=package-7",
    "/advisories/?q=CVE-2026-7",
    "/advisories/PYSEC-2026-7/",
    "/advisories/CVE-2026-7/",
    "/project/package-7/advisories/",
    "/rss/advisories.xml",
    "/rss/project/package-7/advisories.xml",
    "/osv/v1/vulns/PYSEC-2026-7",
]


@pytest.fixture
def filled(site: Flask) -> Iterator[Flask]:
    """The site with enough packages for the server to choose between its indexes.

    Those who only ask leave it as it is, so it is filled again only after a test of another kind.
    """
    with site.app_context():
        is_filled = Package.objects.count() == PACKAGES and User.objects(pk=ADA, name="Ada the asked").count() == 1
        if not is_filled:
            empty()
            lift_rules()
            begin(site, "questions", fill)
        yield site


def fill() -> None:
    """Make packages and all that their pages ask for."""
    collection = Package._get_collection()
    factories.package("package-7", license="MIT", releases=["1.0", "2.0"])
    made = collection.find_one({"_id": "package-7"})
    assert made is not None
    others = []
    some = ("archived", "deprecated", "quarantined")
    for number in range(PACKAGES):
        moment = factories.A_DAY + timedelta(minutes=number)
        changed = {
            "_id": f"package-{number}",
            "name": f"package-{number}",
            "created_date": moment,
            "newest_release": {"version": "1.0", "created_date": moment},
            "release_count": number,
            "license_id": "MIT" if number % 3 else "ISC",
            "classifiers": ["Topic :: A", "Programming Language :: Python"][: number % 3],
            "maintainers": [{"user_id": ADA if number % 5 == 0 else bson.ObjectId()}],
            "summary": f"A word, number{number}",
            **({"status": {"marker": some[number % 3]}} if number % 10 == 0 else {}),
            **({"readers": ["staff"]} if number % 15 == 0 else {}),
            **({"publishers": [{"key": "ci"}]} if number % 25 == 0 else {}),
            **(
                {"invitations": [{"user_id": bson.ObjectId(), "email_folded": f"{number}@x"}]}
                if number % 7 == 0
                else {}
            ),
            **({"teams": [{"team": "staff", "role": "owner"}]} if number % 20 == 0 else {}),
            "requires": ["flask", "click"][: number % 3],
        }
        others.append(made | changed)
    collection.delete_many({})
    collection.insert_many(others)
    for number in range(100):
        counted(f"package-{number % 20} {number}.0 2024-02-01", f"package-{number % 20} {number}.0 2024-03-01")
    factories.user("Ada the asked", id=ADA, username="ada")
    members = [{"_id": bson.ObjectId(), "teams": [{"team": "staff", "role": "member"}]} for _ in range(5)]
    User._get_collection().insert_many([*members, *({"_id": bson.ObjectId(), "name": "Other"} for _ in range(50))])
    PendingPublisher._get_collection().insert_many(
        [{"project": f"package-{number}", "user_id": bson.ObjectId()} for number in range(20)]
    )
    Team._get_collection().insert_many([{"_id": f"team-{number}", "groups": [f"{number}"]} for number in range(50)])
    License.objects.add_missing([("MIT", "MIT")])
    ProgrammingLanguage.objects.add_missing([("python", "Programming Language :: Python")])
    Page(path="company/history", title="History").save()
    for number in range(100):
        factories.advisory(
            f"PYSEC-2026-{number}", f"package-{number % 10}", is_own=number == 3, aliases=[f"CVE-2026-{number}"]
        )
    search_index.rebuild()
    site_stats.refresh()


@pytest.fixture
def young_statistics(filled: Flask) -> Iterator[None]:
    """Statistics are computed beside the requests, as they are in production."""
    before = filled.config["STATS_MAX_AGE_S"]
    filled.config["STATS_MAX_AGE_S"] = 3600
    yield
    filled.config["STATS_MAX_AGE_S"] = before


def parts(plan: Any, key: str) -> Iterator[str]:
    """The values under this key in all stages of a plan that explain() gives."""
    if isinstance(plan, dict):
        if isinstance(plan.get(key), str):
            yield plan[key]
        for inner in plan.values():
            yield from parts(inner, key)
    elif isinstance(plan, list):
        for each in plan:
            yield from parts(each, key)


@contextmanager
def recorded() -> Iterator[list[dict[str, Any]]]:
    """What the server did meanwhile, from its profiler: the operations on the site's collections."""
    database = Package._get_db()
    operations: list[dict[str, Any]] = []
    database.drop_collection("system.profile")
    database.command("profile", 2)
    try:
        yield operations
    finally:
        database.command("profile", 0)
        ours = {"$in": [f"{database.name}.{each._get_collection_name()}" for each in DOCUMENTS]}
        operations += database["system.profile"].find({"ns": ours, "op": {"$in": ["query", "command"]}})
        database.drop_collection("system.profile")


def unindexed(operations: Iterable[dict[str, Any]]) -> list[tuple[Any, str]]:
    """The operations that read a whole collection, or sorted in memory."""
    return [
        (operation.get("command"), operation.get("planSummary", ""))
        for operation in operations
        if not operation.get("planSummary", "").startswith(BY_INDEX) or operation.get("hasSortStage")
    ]


@pytest.mark.real_server
@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: f"{question.page}-{question.index_name}")
def test_each_question_uses_its_index_and_sorts_nothing_in_memory(filled: Flask, question: Question) -> None:
    plan = question.ask().explain()["queryPlanner"]["winningPlan"]

    stages = set(parts(plan, "stage"))
    # A question for one _id takes a short way, which names no index.
    indexes = set(parts(plan, "indexName")) or ({"_id_"} if stages & {"IDHACK", "EXPRESS_IXSCAN"} else set())
    assert indexes == {question.index_name}, plan
    assert not stages & {"COLLSCAN", "SORT"}, plan


@pytest.mark.real_server
@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (lambda: Package.objects.maintained_by(ADA, ["staff"]).limit(20), {"by_maintainer", "by_team"}),
        (lambda: User.objects.told([ADA], ["staff"]), {"_id_", "by_team"}),
        (lambda: Package.objects.inviting(ADA, "ada@example.org"), {"by_invited_user", "by_invited_address"}),
        (lambda: Team.objects.inviting(ADA, "ada@example.org"), {"by_invited_user", "by_invited_address"}),
    ],
)
def test_question_about_a_person_and_their_teams_uses_two_indexes(
    filled: Flask, ask: Callable[[], QuerySet], expected: set[str]
) -> None:
    plan = ask().explain()["queryPlanner"]["winningPlan"]

    assert set(parts(plan, "indexName")) == expected
    assert not {"COLLSCAN", "SORT"} & set(parts(plan, "stage"))


def test_every_index_of_the_packages_answers_a_question() -> None:
    declared = {index["name"] for index in Package._meta["index_specs"]}

    in_pairs = {"by_invited_user", "by_invited_address"}
    assert declared - {"last_changed", "names"} - in_pairs <= {question.index_name for question in QUESTIONS}


@pytest.mark.parametrize(
    "queryset",
    [
        PackageQuerySet,
        UserQuerySet,
        TeamQuerySet,
        PendingQuerySet,
        LabelQuerySet,
        PageQuerySet,
        StoredFileQuerySet,
        TokenQuerySet,
        JournalQuerySet,
        DownloadCountQuerySet,
        AdvisoryQuerySet,
        WatcherQuerySet,
        WebhookQuerySet,
        WebhookMessageQuerySet,
    ],
)
def test_no_named_question_is_missing_from_the_table(queryset: type[QuerySet]) -> None:
    named = {
        name
        for name, _ in inspect.getmembers(queryset, inspect.isfunction)
        if name in vars(queryset) and name[0] != "_"
    }

    assert named <= {question.named for question in QUESTIONS} | ASKED_OTHERWISE


@pytest.mark.real_server
@pytest.mark.parametrize("page", PAGES)
def test_each_page_asks_nothing_that_reads_a_whole_collection(filled: Flask, young_statistics: None, page: str) -> None:
    client = filled.test_client()

    with recorded() as operations:
        response = client.get(page)
        response.get_data()

    assert response.status_code in (200, 302)
    assert operations
    assert unindexed(operations) == []


@pytest.mark.real_server
def test_batch_of_queries_about_advisories_reads_no_whole_collection(filled: Flask) -> None:
    queries = [{"package": {"name": f"package-{number}", "ecosystem": "PyPI"}} for number in range(9)]

    with recorded() as operations:
        answer = filled.test_client().post("/osv/v1/querybatch", json={"queries": queries})

    assert any("vulns" in each for each in answer.get_json()["results"])
    assert any("aggregate" in operation["command"] for operation in operations)
    assert unindexed(operations) == []


@pytest.mark.real_server
def test_the_record_would_show_a_question_without_an_index(filled: Flask) -> None:
    with recorded() as operations:
        list(Package.objects(summary="What"))
        list(Package.objects.order_by("summary"))

    assert len(unindexed(operations)) == 2


@pytest.mark.real_server
@pytest.mark.parametrize("document_type", DOCUMENTS)
def test_index_of_each_name_stands_as_it_is_declared(app: Flask, document_type: Any) -> None:
    declared = {index["name"] for index in document_type._meta["index_specs"]}

    # A collection without documents and indexes is not there yet, and then has no index of its ids either.
    built = set(document_type._get_collection().index_information()) - {"_id_"}

    assert built == declared


@pytest.mark.real_server
def test_index_may_take_longer_than_a_request(app: Flask, mongod_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline: list[dict[str, Any]] = [{"$documents": [{"a": 1}]}, {"$set": {"a": SLOW}}]
    built = []

    with pymongo.MongoClient[Any](mongod_uri, timeoutMS=100) as client:

        def build_slowly(_document_type: Any, spec: dict[str, Any]) -> None:
            built.append((spec["name"], list(client["larder"].aggregate(pipeline))))

        monkeypatch.setattr(indexes, "_build", build_slowly)
        User._get_collection().drop_index("by_name")
        ensure_indexes([User])

    monkeypatch.undo()
    ensure_indexes([User])
    assert [name for name, _ in built] == ["by_name"]


def twins(app: Flask) -> tuple[User, User]:
    """Two accounts with one address, as a restored or migrated database may have."""
    User._get_collection().drop_index("one_user_an_email")
    first, second = (factories.user(name, email="ada@example.org") for name in ("Ada", "Ada King"))
    return first, second


@pytest.mark.real_server
def test_twins_are_named_in_one_line_and_the_rest_is_set(app: Flask, runner: FlaskCliRunner) -> None:
    first, second = twins(app)
    Package._get_collection().drop_index("by_license")

    said = runner.invoke(args=["db", "ensure-indexes"])
    started = runner.invoke(args=["db", "init"])

    User._get_collection().delete_one({"_id": second.id})
    mended = runner.invoke(args=["db", "ensure-indexes"])
    line = (
        "Error: users: the index one_user_an_email cannot be built: these documents have the same email_folded: "
        f'{{"$oid": "{first.id}"}}, {{"$oid": "{second.id}"}}\n'
    )
    assert (said.exit_code, said.stderr) == (1, line)
    assert (started.exit_code, started.stderr) == (1, line)
    assert "by_license" in Package._get_collection().index_information()
    options = {info["name"]: info["options"] for info in Package._get_db().list_collections()}
    assert all("validator" in options[each._get_collection_name()] for each in DOCUMENTS)
    assert mended.output == "All indexes exist.\n"


@pytest.mark.real_server
def test_site_starts_without_an_index_that_only_makes_it_fast(app: Flask, runner: FlaskCliRunner) -> None:
    factories.package()
    packages = Package._get_collection()
    packages.drop_index("by_license")
    packages.create_index([("license", 1)], name="by_license")

    started = runner.invoke(args=["db", "init"])

    packages.drop_index("by_license")
    ensure_indexes([Package])
    assert started.exit_code == 0, started.output
    assert started.stderr.startswith(
        "warning: packages: the index by_license cannot be built: another index is in its way; drop it: "
    )
    assert started.stderr.count("\n") == 1


@pytest.mark.real_server
def test_index_under_another_name_is_as_good(app: Flask, runner: FlaskCliRunner) -> None:
    packages = Package._get_collection()
    declared = packages.index_information()["by_license"]["key"]
    packages.drop_index("by_license")
    packages.create_index(declared, name="licences")

    said = runner.invoke(args=["db", "ensure-indexes"])

    packages.drop_index("licences")
    ensure_indexes([Package])
    assert said.output == "All indexes exist.\n"


@pytest.mark.real_server  # mongomock has other names for what stands in the way
def test_one_index_is_built_unless_something_stands_in_its_way(app: Flask) -> None:
    wanted = {"fields": [("title", 1)], "name": "one_page_a_title", "unique": True}
    collection = Page._get_collection()
    for path in ("a", "b"):
        Page(path=path, title="About").save()

    with_twins = ensure_one(Page, wanted)
    Page.objects(pk="b").delete()
    without = ensure_one(Page, wanted)
    collection.drop_index("one_page_a_title")

    assert (with_twins, without) == (False, True)


def test_no_document_builds_its_indexes_while_a_request_waits() -> None:
    assert [each.__name__ for each in DOCUMENTS if each._meta["auto_create_index"]] == []
