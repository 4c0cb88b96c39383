"""Files of a publishing session that were announced: what happens when requests for one of them meet."""

import io

import pytest

from tests import factories
from webapp.changes.announced_files import UploadEnded, announce, copy_bytes, keep_attestations, keep_bytes, refuse
from webapp.changes.staged_files import take_out
from webapp.changes.staging import SessionBusy, cancel, open_session
from webapp.documents import Maintainer, Package, PublishingSession, SessionFile, User
from webapp.documents.contents import Chunk, Contents
from webapp.rules.naming import normalize_name

FILENAME = "larder_probe-1.0-py3-none-any.whl"
DIGESTS = {"sha256": "0" * 64}


@pytest.fixture
def ada(app: object) -> User:
    return factories.user("Ada Lovelace")


@pytest.fixture
def session(ada: User) -> PublishingSession:
    return open_session("larder-probe", normalize_name("larder-probe"), "1.0", ada)


def again(session: PublishingSession) -> tuple[PublishingSession, SessionFile]:
    """The session and its file as they are stored."""
    found = PublishingSession.objects.get(pk=session.pk)
    return found, found.files[0]


def test_bytes_of_an_upload_that_was_cancelled_meanwhile_are_deleted(ada: User, session: PublishingSession) -> None:
    entry = announce(session, FILENAME, 4, DIGESTS, ada)
    take_out(again(session)[0], FILENAME, ada)

    with pytest.raises(UploadEnded):
        keep_bytes(session, entry, io.BytesIO(b"here"), ada)

    assert (Contents.objects.count(), Chunk.objects.count()) == (0, 0)


def test_bytes_that_two_requests_send_at_once_are_those_of_one(ada: User, session: PublishingSession) -> None:
    entry = announce(session, FILENAME, 4, DIGESTS, ada)
    keep_bytes(session, entry, io.BytesIO(b"one1"), ada)

    with pytest.raises(UploadEnded):
        keep_bytes(session, entry, io.BytesIO(b"two2"), ada)

    copied = io.BytesIO()
    copy_bytes(again(session)[1], copied)
    assert copied.getvalue() == b"one1"
    assert Contents.objects.count() == 1


def test_bytes_have_to_arrive_before_they_are_read(ada: User, session: PublishingSession) -> None:
    entry = announce(session, FILENAME, 4, DIGESTS, ada)

    with pytest.raises(SessionBusy, match="have not arrived yet"):
        copy_bytes(entry, io.BytesIO())


def test_refusal_does_not_end_an_upload_that_began_anew(ada: User, session: PublishingSession) -> None:
    entry = announce(session, FILENAME, 4, DIGESTS, ada)
    take_out(again(session)[0], FILENAME, ada)
    announce(session, FILENAME, 4, DIGESTS, ada)

    refuse(session, entry, "It is damaged.")

    assert (again(session)[1].state, again(session)[1].problem) == ("pending", None)


def test_cancelled_session_keeps_nothing_of_its_announced_files(ada: User, session: PublishingSession) -> None:
    entry = announce(session, FILENAME, 4, DIGESTS, ada)
    keep_bytes(session, entry, io.BytesIO(b"here"), ada)
    keep_attestations(*again(session), "[]", ada)

    cancel(again(session)[0], ada)

    assert PublishingSession.objects.get().files == []
    assert (Contents.objects.count(), Chunk.objects.count()) == (0, 0)


def test_everybody_who_sends_something_for_a_file_is_one_of_its_senders(ada: User, session: PublishingSession) -> None:
    factories.package("larder-probe", maintainers=[{"user_id": ada.id, "role": "owner"}])
    others = [factories.user(name) for name in ("Grace", "Linus")]
    Package.objects.update(push_all__maintainers=[Maintainer(user_id=each.id, role="owner") for each in others])
    entry = announce(session, FILENAME, 4, DIGESTS, ada)

    keep_bytes(session, entry, io.BytesIO(b"here"), others[0])
    keep_attestations(session, entry, "[]", others[1])
    keep_attestations(session, entry, "[]", others[1])

    assert again(session)[1].senders == [each.id for each in (ada, *others)]


def test_announced_size_that_is_no_number_keeps_nobody_from_announcing(ada: User, session: PublishingSession) -> None:
    announce(session, FILENAME, 4, DIGESTS, ada)
    PublishingSession.objects.raw().update_one({}, {"$set": {"files.0.announced": {"size": None}}})

    announced = announce(session, "larder_probe-1.0.tar.gz", 4, DIGESTS, ada)

    assert announced.filename == "larder_probe-1.0.tar.gz"
