"""Who has to sign new files, from the form of an owner to what uploaders get."""

import json

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests import factories
from tests.people import Browser, signed_in
from tests.publishing import attested, uploads
from tests.publishing.attested import GITHUB, SIGNERS
from tests.reading import one, page_of, texts, words
from webapp.documents import AuditEvent, JournalEntry, Maintainer, Package, StoredFile, User
from webapp.rules.signatures import SignatureVerifier

NAME = "pypi-attestations"
FORM, SETTINGS = f"/manage/{NAME}/signers", f"/manage/{NAME}/settings"
REPOSITORY = "https://github.com/trailofbits/pypi-attestations"


@pytest.fixture(scope="module")
def verifier() -> SignatureVerifier:
    return SignatureVerifier()


@pytest.fixture
def ada(app: Flask, verifier: SignatureVerifier, monkeypatch: pytest.MonkeyPatch) -> Browser:
    """The owner of a project, on a site that verifies attestations."""
    monkeypatch.setitem(app.extensions, "signature_verifier", verifier)
    browser = signed_in(app, "Ada Lovelace")
    owner = Maintainer(user_id=User.objects.get().id, name="Ada Lovelace", role="owner")
    factories.package(NAME, releases=["0.0.1"], maintainers=[owner])
    return browser


def demand(ada: Browser, *signers: str) -> None:
    answer = ada.send(FORM, signers="\r\n".join(signers))
    assert answer.status_code == 302, page_of(answer, answer.status_code)


def send(client: FlaskClient, *, is_signed: bool = True) -> TestResponse:
    fields = {"attestations": json.dumps(attested.attestations(GITHUB))} if is_signed else {}
    secret = uploads.token_of(User.objects.get(name="Ada Lovelace"))
    return uploads.upload(client, secret, attested.content(GITHUB), GITHUB, **fields)


@pytest.mark.parametrize(
    "signer",
    [
        "https://github.com/trailofbits",
        REPOSITORY,
        f" {REPOSITORY}.git/ ",
        "https://github.com/TrailOfBits/PyPI-Attestations",
        SIGNERS[GITHUB],
    ],
)
def test_file_that_is_signed_as_the_owner_demands_is_accepted(client: FlaskClient, ada: Browser, signer: str) -> None:
    demand(ada, "somebody@example.org", signer)

    assert send(client).status_code == 200


@pytest.mark.parametrize(
    "signer",
    [
        "https://github.com/trail",
        "https://github.com/trailofbits/pypi",
        f"{REPOSITORY}/.github/workflows/release.yaml",
        "https://gitlab.com/trailofbits/pypi-attestations",
        "somebody@example.org",
    ],
)
def test_file_that_somebody_else_has_signed_is_refused_and_leaves_nothing(
    client: FlaskClient, ada: Browser, signer: str
) -> None:
    demand(ada, signer)

    answer = send(client)

    wanted = f"The project {NAME} accepts only files with attestations that are signed by {signer}"
    assert (answer.status_code, answer.text.strip()) == (400, f"{wanted}; these are by {SIGNERS[GITHUB]}.")
    assert not StoredFile.objects
    assert [release.version for release in Package.objects.get().releases] == ["0.0.1"]


def test_token_alone_cannot_publish_without_attestations(client: FlaskClient, ada: Browser) -> None:
    demand(ada, REPOSITORY)

    answer = send(client, is_signed=False)

    assert answer.status_code == 400
    assert answer.text.strip().endswith(f"signed by {REPOSITORY}; this one has none.")
    assert not StoredFile.objects


def test_site_that_no_longer_verifies_accepts_no_file_of_the_project(
    app: Flask, client: FlaskClient, ada: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    demand(ada, REPOSITORY)
    monkeypatch.setitem(app.extensions, "signature_verifier", None)

    assert send(client).status_code == 400
    assert "so it accepts no files" in words(one(page_of(ada.get(SETTINGS)), "main"))

    answer = ada.send(FORM, signers="https://github.com/acme")
    assert "This site does not verify attestations" in answer.text
    demand(ada)
    assert send(client).status_code == 200


def test_change_stands_in_settings_history_and_audit_log(ada: Browser) -> None:
    demand(ada, REPOSITORY, "ada@example.org", REPOSITORY)
    demand(ada, REPOSITORY, "ada@example.org")

    assert Package.objects.get().signers == [REPOSITORY, "ada@example.org"]
    assert texts(page_of(ada.get(SETTINGS)), "main code") == [REPOSITORY, "ada@example.org"]
    [entry] = JournalEntry.objects(action="change signers")
    assert entry.note == f"{REPOSITORY}, ada@example.org"
    [event] = AuditEvent.objects(kind="project")
    assert event.description == f"New files of {NAME} have to be signed by {REPOSITORY} or ada@example.org."
    assert one(page_of(ada.get(FORM)), "textarea").text.split() == [REPOSITORY, "ada@example.org"]


@pytest.mark.parametrize(
    "signers",
    [
        "github.com/acme/hello",
        "https://github.com",
        "https://github.com/",
        "http://github.com/acme",
        "https://x.org/acme",
        "https://github.com/acme hello",
        "ada",
        "https://github.com/" + "a" * 300,
    ],
)
def test_what_cannot_sign_is_refused_with_an_example(ada: Browser, signers: str) -> None:
    answer = ada.send(FORM, signers=signers)

    assert answer.status_code == 400
    assert "such as https://github.com/OWNER/REPOSITORY" in words(one(page_of(answer, 400), "main"))
    assert Package.objects.get().signers is None


def test_there_are_ten_signers_at_most(ada: Browser) -> None:
    answer = ada.send(FORM, signers="\n".join(f"https://github.com/acme/{number}" for number in range(11)))

    assert "Enter at most 10 signers." in words(one(page_of(answer, 400), "main"))


def test_only_owners_choose(app: Flask, ada: Browser) -> None:
    grace = signed_in(app, "Grace Hopper")
    Package.objects.update(push__maintainers=Maintainer(user_id=User.objects.get(name="Grace Hopper").id, name="Grace"))

    assert grace.get(FORM).status_code == 403
    assert "Change the signers" not in grace.get(SETTINGS).text
