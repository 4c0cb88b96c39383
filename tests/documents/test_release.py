"""What follows for a release from its files."""

from datetime import timedelta

import pytest

from tests.factories import A_DAY
from webapp.documents import Release, ReleaseFile
from webapp.documents.release import MAX_INT64, is_own, own_url


def summed_up(*files: ReleaseFile) -> Release:
    release = Release(version="1.0", files=list(files))
    release.sum_up()
    return release


def test_release_is_as_old_as_its_first_file_and_as_large_as_all_together() -> None:
    release = summed_up(
        ReleaseFile(filename="a", size=5, uploaded_at=A_DAY + timedelta(1)),
        ReleaseFile(filename="b", size=7, uploaded_at=A_DAY),
        ReleaseFile(filename="c"),
    )

    assert (release.created_date, release.size) == (A_DAY, 12)


def test_release_without_files_has_no_facts() -> None:
    release = summed_up()

    assert (release.created_date, release.size, release.url, release.requires_python) == (None, None, None, None)
    assert release.yanked is False


@pytest.mark.parametrize(
    ("sizes", "size"), [([MAX_INT64], MAX_INT64), ([MAX_INT64, 1], None), ([0], 0), ([None], None)]
)
def test_size_is_none_where_it_is_unknown_or_no_number_of_bson(sizes: list[int | None], size: int | None) -> None:
    assert summed_up(*(ReleaseFile(filename=str(n), size=each) for n, each in enumerate(sizes))).size == size


def test_sdist_is_what_a_release_leads_to() -> None:
    wheel = ReleaseFile(filename="w", url="/w", packagetype="bdist_wheel", requires_python="")
    sdist = ReleaseFile(filename="s", url="/s", packagetype="sdist", requires_python=">=3")

    assert (summed_up(wheel, sdist).url, summed_up(wheel, sdist).requires_python) == ("/s", ">=3")
    assert summed_up(wheel).url == "/w"


def test_release_is_yanked_with_the_reason_of_its_first_file_if_all_are() -> None:
    yanked = ReleaseFile(filename="a", yanked=True, yanked_reason="broken")
    other = ReleaseFile(filename="b", yanked=True, yanked_reason="worse")

    release = summed_up(yanked, other)
    assert (release.yanked, release.yanked_reason) == (True, "broken")
    release = summed_up(yanked, ReleaseFile(filename="c"))
    assert (release.yanked, release.yanked_reason) == (False, None)


def test_files_that_were_uploaded_here_stay_and_replace_those_of_the_same_name() -> None:
    own = ReleaseFile(filename="a", url="/packages/x/a", size=1)
    before = Release(version="1.0", files=[own, ReleaseFile(filename="b", url="https://example.org/b", size=2)])
    release = Release(version="1.0", files=[ReleaseFile(filename="a", url="https://example.org/a", size=10)], size=10)
    release.files.append(ReleaseFile(filename="c", size=20))

    release.keep_own_files(before)

    assert [(file.filename, file.size) for file in release.files] == [("c", 20), ("a", 1)]
    assert release.size == 21


def test_release_without_files_of_ours_takes_over_none() -> None:
    before = Release(version="1.0", files=[ReleaseFile(filename="b", url="https://example.org/b")])
    release = Release(version="1.0", files=[], size=5)

    release.keep_own_files(before)

    assert (list(release.files), release.size) == ([], 5)


def test_address_of_a_file_contains_its_digest() -> None:
    assert own_url("abcdef0", "x.whl") == "/packages/ab/cd/ef0/x.whl"


@pytest.mark.parametrize(
    ("url", "expected"),
    [("/packages/a", True), ("/files/a", True), ("https://example.org/packages/a", False), ("", False), (None, False)],
)
def test_own_files_are_known_by_their_address(url: str | None, expected: bool) -> None:  # noqa: FBT001 - a parametrized value
    assert is_own(url) is expected
