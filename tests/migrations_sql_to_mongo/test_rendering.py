"""Descriptions are rendered during a move."""

from typing import Any

import pytest

from migrations_sql_to_mongo.rendering import render_staged, rendered_fields, renderer
from migrations_sql_to_mongo.target import open_target
from tests.changes.conftest import PROBLEM
from tests.migrations_sql_to_mongo.conftest import Db
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


def test_html_that_makes_a_document_too_large_is_left_out_of_this_one_alone(target_uri: str, db: Db) -> None:
    db.staging.insert_many([{"_id": f"p{number}", "description": f"*{number}*"} for number in range(3)])
    filled = {"filled": "x" * (16 * 2**20 - 1000), "description": "*1* " * 100}
    db.staging.update_one({"_id": "p1"}, {"$set": filled})
    target = open_target(target_uri)

    count = render_staged(target, "staging", lambda _done, _total: None)

    target.close()
    rendered = {one["_id"]: one for one in db.staging.find({}, {"filled": 0, "description": 0})}
    assert count == 3
    assert rendered == {
        "p0": {"_id": "p0", "description_html": "<p><em>0</em></p>\n", "description_renderer": RENDERER},
        "p1": {"_id": "p1", "description_renderer": RENDERER},
        "p2": {"_id": "p2", "description_html": "<p><em>2</em></p>\n", "description_renderer": RENDERER},
    }
