"""How long images of descriptions are kept, and which make room for others."""

from datetime import timedelta

from flask import Flask

from tests.clocks import clock_ahead
from webapp.documents import DescriptionImage
from webapp.documents.base import utc_now
from webapp.documents.description_image import key_of

URL = "https://example.org/logo.png"
ENOUGH = 1_000_000


def used_ago(url: str, ago: timedelta) -> None:
    """Say when an image was used."""
    DescriptionImage.objects(url=url).update(set__used_at=utc_now() - ago)


def test_image_is_kept_for_a_month_and_a_problem_for_some_minutes(app: Flask) -> None:
    DescriptionImage.keep(URL, "image/png", b"png", ENOUGH)
    DescriptionImage.keep_problem(f"{URL}?", "x" * 600)

    image, problem = DescriptionImage.kept(URL), DescriptionImage.kept(f"{URL}?")

    assert image is not None
    assert (image["content_type"], bytes(image["data"]), image["size"]) == ("image/png", b"png", 1003)
    assert timedelta(days=29, hours=23) < image["expires_at"] - utc_now() <= timedelta(days=30)
    assert problem is not None
    assert (problem["problem"], problem["size"]) == ("x" * 500, 1000)
    assert timedelta(minutes=4) < problem["expires_at"] - utc_now() <= timedelta(minutes=5)


def test_image_that_has_expired_is_not_kept(app: Flask) -> None:
    DescriptionImage.keep(URL, "image/png", b"png", ENOUGH)
    DescriptionImage.objects.update(set__expires_at=utc_now() - timedelta(seconds=1))

    assert DescriptionImage.kept(URL) is None


def test_use_is_noted_once_an_hour(app: Flask) -> None:
    DescriptionImage.keep(URL, "image/png", b"png", ENOUGH)
    used_ago(URL, timedelta(minutes=50))
    before = DescriptionImage.objects.get().used_at

    DescriptionImage.kept(URL)
    within_the_hour = DescriptionImage.objects.get().used_at
    used_ago(URL, timedelta(minutes=70))
    DescriptionImage.kept(URL)

    assert within_the_hour == before
    assert DescriptionImage.objects.get().used_at > before


def test_least_recently_used_images_make_room_and_no_more_than_needed(app: Flask) -> None:
    # Each takes 1,000 bytes more than its image.
    for number in range(3):
        DescriptionImage.keep(f"{URL}?{number}", "image/png", b"x" * 100, ENOUGH)
        used_ago(f"{URL}?{number}", timedelta(hours=9 - number))
    DescriptionImage.objects(url=f"{URL}?0").update(set__used_at=utc_now())

    DescriptionImage.keep(f"{URL}?3", "image/png", b"x" * 100, 3 * 1100)

    assert {image.url[-1] for image in DescriptionImage.objects} == {"0", "2", "3"}


def test_any_address_has_a_key() -> None:
    # printf 'https://example.org/logo.png' | sha256sum
    assert key_of(URL) == "cecbef6958f017675a3accacc8ff8fa67c4d601621c0a2992355916347cdebe8"
    assert len(key_of("https://example.org/\udcff")) == 64


def test_problem_from_a_time_when_the_clock_was_ahead_is_forgotten(app: Flask) -> None:
    with clock_ahead():
        DescriptionImage.keep_problem(URL, "timed out")
        assert DescriptionImage.kept(URL)

    assert DescriptionImage.kept(URL) is None
