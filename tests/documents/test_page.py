"""Which paths a page of the operator can have."""

import pytest
from mongoengine.errors import ValidationError

from webapp.documents import Page


@pytest.mark.parametrize("path", ["about", "7", "company/history", "a-b_c/d", "a" * 200])
def test_path_of_lower_case_words_is_accepted(path: str) -> None:
    Page(path=path, title="About").validate()


@pytest.mark.parametrize(
    "path", ["", "/about", "about/", "a//b", "About", "-a", "_a", "a/-b", "ä", "a.b", "a\n", "a" * 201]
)
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(ValidationError, match="path"):
        Page(path=path, title="About").validate()


def test_page_has_a_title_of_two_hundred_characters_at_most() -> None:
    Page(path="about", title="a" * 200).validate()
    for title in (None, "a" * 201):
        with pytest.raises(ValidationError, match="title"):
            Page(path="about", title=title).validate()
