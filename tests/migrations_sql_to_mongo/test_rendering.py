"""Descriptions are rendered during a move."""

from typing import Any

import pytest

from migrations_sql_to_mongo.rendering import rendered_fields, renderer
from tests.changes.conftest import PROBLEM
from webapp.rendering import RENDERER, Rendered


def test_move_keeps_what_could_not_be_rendered_with_the_reason(breaking: pytest.MonkeyPatch) -> None:
    plain = {"description_html": '<pre class="description-plain">burn</pre>', "description_problem": PROBLEM}

    assert rendered_fields("burn") == plain | {"description_renderer": RENDERER}
    assert rendered_fields("fine") == {"description_html": "<p>FINE</p>", "description_renderer": RENDERER}


def test_move_renders_many_descriptions_in_their_order() -> None:
    wanted: list[Any] = [(f"p{number}", f"*{number}*") for number in range(30)]

    with renderer() as render:
        rendered = list(render(wanted))

    assert rendered == [(f"p{number}", Rendered(f"<p><em>{number}</em></p>\n")) for number in range(30)]
