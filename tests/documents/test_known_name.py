"""Names that look alike."""

import pytest

from webapp.documents.known_name import KnownName
from webapp.rules.naming import skeleton


@pytest.mark.usefixtures("app")
def test_names_that_look_like_another_are_found() -> None:
    for name in ("little", "1itt1e", "kettle"):
        KnownName(normalized_name=name, skeleton=skeleton(name)).save()

    assert {each.normalized_name for each in KnownName.objects.looking_like("Iittle")} == {"little", "1itt1e"}
