"""How many projects have a word."""

from flask import Flask

from webapp.documents import SearchWord


def test_words_are_found_with_how_many_have_them_and_rare_ones_are_absent(app: Flask) -> None:
    SearchWord._get_collection().insert_many(
        [{"_id": "jam", "packages": 7}, {"_id": "bread", "packages": 3}, {"_id": "odd", "packages": "many"}]
    )

    assert SearchWord.objects.frequencies(["jam", "odd", "rare", "bread"]) == {"jam": 7, "bread": 3}
    assert SearchWord.objects.frequencies([]) == {}
    assert SearchWord.objects.frequency("jam") == 7
    assert SearchWord.objects.frequency("rare") == 0
