"""Names that look alike."""

import bson
import pytest

from webapp.documents.base import Plain
from webapp.documents.known_name import KnownName
from webapp.rules.naming import skeleton


@pytest.mark.usefixtures("app")
def test_names_that_look_like_another_are_found() -> None:
    for name in ("little", "1itt1e", "kettle"):
        KnownName(normalized_name=name, skeleton=skeleton(name)).save()

    assert {each.normalized_name for each in KnownName.objects.looking_like("Iittle")} == {"little", "1itt1e"}


@pytest.mark.usefixtures("app")
def test_last_project_of_a_name_says_who_may_read_of_it() -> None:
    ada, grace = bson.ObjectId(), bson.ObjectId()
    package: Plain = {"readers": ["crew"], "teams": [{"team": "bakers"}], "maintainers": [{"user_id": ada}]}
    KnownName.remember("jam")
    hidden_from = KnownName.objects.hidden_from

    KnownName.remember_readers("jam", package)
    narrowed = [
        hidden_from(ada, []),
        hidden_from(grace, ["crew"]),
        hidden_from(grace, ["bakers"]),
        hidden_from(grace, []),
    ]
    KnownName.remember_readers("jam", package | {"readers": []})

    assert narrowed == [[], [], [], ["jam"]]
    assert hidden_from(grace, []) == []
