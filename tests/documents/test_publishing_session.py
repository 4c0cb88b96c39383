"""The states of a publishing session, and how long it lives."""

from datetime import UTC, datetime, timedelta

import pytest

from tests import factories
from tests.factories import A_DAY
from webapp.documents import PublishingSession, ReleaseFile, SessionFile
from webapp.documents.base import utc_now
from webapp.documents.publisher import Source
from webapp.documents.publishing_session import (
    CANCELED,
    COMPLETED,
    ERROR,
    OPEN,
    PENDING,
    PUBLISHED,
    PUBLISHING,
    live_key_of,
    new_stage_token,
    until,
)
from webapp.rules.naming import normalize_name

JAM = normalize_name("jam")
HOUR = timedelta(hours=1)


def session(state: str = OPEN, left: timedelta | None = HOUR, files: tuple[str, ...] = ()) -> PublishingSession:
    """A session that is not stored, with files in these states."""
    made = [SessionFile(filename=f"{number}.whl", state=each) for number, each in enumerate(files)]
    expires_at = None if left is None else utc_now() + left
    return PublishingSession(package="jam", version="1.0", state=state, expires_at=expires_at, files=made)


@pytest.mark.parametrize(
    ("state", "left", "expected"),
    [
        (OPEN, HOUR, (True, True, "open")),
        (OPEN, -HOUR, (False, False, "expired")),
        (OPEN, None, (False, False, "expired")),
        (PUBLISHING, HOUR, (False, True, "publishing")),
        (PUBLISHING, -HOUR, (False, True, "publishing")),
        (PUBLISHED, HOUR, (False, False, "published")),
        (CANCELED, HOUR, (False, False, "canceled")),
    ],
)
def test_session_is_open_until_it_expires_and_live_while_it_is_published(
    state: str, left: timedelta | None, expected: tuple[bool, bool, str]
) -> None:
    found = session(state, left)

    assert (found.is_open, found.is_live, found.shown_state) == expected


@pytest.mark.parametrize(
    ("files", "waits"),
    [((), 0), ((COMPLETED,), 0), ((COMPLETED, PENDING), 1), ((ERROR, COMPLETED), 1)],
)
def test_session_waits_for_every_file_that_is_not_complete(files: tuple[str, ...], waits: int) -> None:
    assert session(files=files).has_pending == bool(waits)


def test_file_is_found_by_its_name() -> None:
    found = session(files=(COMPLETED, PENDING))

    file = found.file("1.whl")

    assert file is not None
    assert file.state == PENDING
    assert found.file("2.whl") is None


@pytest.mark.usefixtures("app")
def test_fingerprint_is_another_one_for_everything_that_the_package_will_list() -> None:
    def listing(**changes: object) -> PublishingSession:
        file = ReleaseFile(
            filename="0.whl", sha256="a" * 64, uploaded_at=A_DAY, signed_by="ada@example.org", is_attested=True
        )
        for name, value in changes.items():
            setattr(file, name, value)
        made = session(files=(COMPLETED, COMPLETED))
        made.files[0].file = file
        return made

    others: list[dict[str, object]] = [
        {"sha256": "b" * 64},
        {"signed_by": "grace@example.org"},
        {"signed_by": None},
        {"is_attested": None},
        {"uploaded_at": A_DAY + timedelta(milliseconds=1)},
        {"uploaded_by": "Grace"},
        {"requires_python": ">=3.9"},
        {"source": Source(repository="https://github.com/acme/jam", commit="c" * 40)},
    ]
    found = {listing(**each).fingerprint for each in others}

    same = listing()
    same.files.reverse()
    same.save()
    assert same.fingerprint == listing().fingerprint == PublishingSession.objects.get().fingerprint
    assert len(found) == len(others)
    assert listing().fingerprint not in found


@pytest.mark.parametrize("spelling", ["1.0", "1", "v1.0.0"])
def test_spellings_of_a_version_share_a_key(spelling: str) -> None:
    assert live_key_of(JAM, spelling) == live_key_of(JAM, "1.0")
    assert live_key_of(JAM, "1.1") != live_key_of(JAM, "1.0") != live_key_of(normalize_name("jelly"), "1.0")
    assert live_key_of(JAM, spelling).startswith("jam/")


def test_address_of_a_stage_cannot_be_guessed() -> None:
    tokens = {new_stage_token() for _ in range(50)}

    assert len(tokens) == 50
    assert {len(token) for token in tokens} == {32}  # 24 bytes in base64


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (90, datetime(2026, 1, 1, 12, 1, 30, tzinfo=UTC)),
        (-5, datetime(2026, 1, 1, 12, tzinfo=UTC)),
        (30 * 86_400, datetime(2026, 1, 31, 12, tzinfo=UTC)),
        (31 * 86_400, datetime(2026, 1, 31, 12, tzinfo=UTC)),
        (10**30, datetime(2026, 1, 31, 12, tzinfo=UTC)),
    ],
)
def test_session_is_extended_by_thirty_days_at_most_in_whole_seconds(seconds: int, expected: datetime) -> None:
    assert until(datetime(2026, 1, 1, 12, 0, 0, 999_000, tzinfo=UTC), seconds) == expected


@pytest.mark.usefixtures("app")
def test_only_live_sessions_of_a_project_and_of_a_member_are_found_newest_first() -> None:
    ada = factories.user()
    now = utc_now()
    for number, (state, left) in enumerate([(OPEN, HOUR), (OPEN, -HOUR), (PUBLISHED, HOUR), (PUBLISHING, HOUR)]):
        made = session(state, left)
        made.version, made.created_by, made.created_at = str(number), ada.id, now + timedelta(seconds=number)
        made.stage_token = f"token-{number}"
        made.save()

    assert [each.version for each in PublishingSession.objects.live_of_project(JAM)] == ["3", "0"]
    assert [each.version for each in PublishingSession.objects.of_project(JAM)] == ["3", "2", "1", "0"]
    assert [each.version for each in PublishingSession.objects.live_of_account(ada.id)] == ["3", "0"]
    assert [each.version for each in PublishingSession.objects.with_stage_token("token-1")] == ["1"]
    assert list(PublishingSession.objects.live_of_project(normalize_name("jelly"))) == []


@pytest.mark.usefixtures("app")
def test_bytes_of_sessions_are_told_from_other_bytes() -> None:
    made = session(files=(COMPLETED, PENDING))
    mine, other = factories.user().id, factories.user().id  # any two ids
    made.files[1].content_id = mine
    made.save()

    assert PublishingSession.bytes_of_pending([mine, other]) == {mine}
