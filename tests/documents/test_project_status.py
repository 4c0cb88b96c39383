"""What a plain package says of its status."""

from typing import Any

import pytest

from webapp.documents.project_status import is_quarantined, marker_of, reason_of


@pytest.mark.parametrize(
    ("status", "marker"),
    [
        ({}, "active"),
        ({"marker": "active"}, "active"),
        ({"marker": "archived"}, "archived"),
        ({"marker": "deprecated"}, "deprecated"),
        ({"marker": "quarantined"}, "quarantined"),
        ({"marker": "abandoned"}, "active"),
        ({"marker": None}, "active"),
    ],
)
def test_status_that_nobody_knows_counts_as_active(status: dict[str, Any], marker: str) -> None:
    assert marker_of({"status": status}) == marker
    assert is_quarantined({"status": status}) == (marker == "quarantined")


def test_package_without_a_status_is_active_and_has_no_reason() -> None:
    assert marker_of({}) == "active"
    assert not is_quarantined({})
    assert reason_of({}) == ""


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ({"reason": "It is done."}, "It is done."),
        ({"successor": "jam"}, "Use jam instead."),
        ({"reason": "It is done.", "successor": "jam"}, "It is done. Use jam instead."),
        ({"reason": "", "successor": ""}, ""),
    ],
)
def test_reason_is_one_text_with_the_successor(status: dict[str, Any], text: str) -> None:
    assert reason_of({"status": status}) == text
