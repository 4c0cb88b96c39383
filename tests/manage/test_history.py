"""The history of a project reads as sentences."""

import re
from pathlib import Path
from typing import Any

import pytest

import webapp
from webapp.manage.history import SENTENCES, VERBS, sentence_of

FILE = "probe-1.0.tar.gz"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"action": "new project", "version": "1.0", "filename": FILE}, (f"Created the project with {FILE}.", "")),
        ({"action": "new release", "version": "1.0", "filename": FILE}, (f"Published 1.0 with {FILE}.", "")),
        ({"action": "new file", "version": "1.0", "filename": FILE}, (f"Added {FILE} to 1.0.", "")),
        ({"action": "yank release", "version": "1.0", "note": "Broken"}, ("Yanked 1.0.", "Broken")),
        ({"action": "remove file", "version": "1.0", "filename": FILE}, (f"Deleted {FILE} of 1.0.", "")),
        ({"action": "add owner", "note": "Ada"}, ("Made Ada an owner.", "")),
        ({"action": "make maintainer", "note": "Ada"}, ("Made Ada a maintainer.", "")),
        ({"action": "remove maintainer", "note": "Ada"}, ("Removed Ada, a maintainer.", "")),
        ({"action": "make team owner", "note": "Core"}, ("Made the team Core an owner.", "")),
        ({"action": "remove team maintainer", "note": "Core"}, ("Removed the team Core, a maintainer.", "")),
        ({"action": "transfer", "note": "Ada {version}"}, ("Made Ada {version} the only owner.", "")),
        ({"action": "invite owner"}, ("Invited somebody as an owner.", "")),
        ({"action": "mark quarantined", "note": "Hostile"}, ("Marked the project as quarantined.", "Hostile")),
        ({"action": "change readers", "note": "core"}, ("Changed who may read the project.", "core")),
        ({"action": "add owner"}, ("Made somebody an owner.", "")),
        ({"action": "{version} of an old site"}, ("{version} of an old site", "")),
        ({"action": "mark"}, ("Mark", "")),
        ({}, ("Did something unknown.", "")),
    ],
)
def test_entry_is_a_sentence_in_the_past_tense(entry: dict[str, Any], expected: tuple[str, str]) -> None:
    assert sentence_of(entry) == expected


def test_every_act_of_the_site_has_a_sentence() -> None:
    changes = Path(webapp.__file__).parent / "changes"
    source = "".join(path.read_text() for path in sorted(changes.glob("*.py")))
    acts = set(re.findall(r'\bAct\(\s*f?"([^"]+)"', source))
    acts |= {"new project", "new file", "new release", "unyank release", "remove project", "accept tokens too"}

    assert len(acts) > 18
    assert [act for act in sorted(acts) if act not in SENTENCES and act.split()[0] not in VERBS] == []
