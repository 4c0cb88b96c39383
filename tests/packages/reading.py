"""A project's page, as its tests read it."""

from bs4 import Tag

from tests.reading import texts


def banners(page: Tag) -> list[str]:
    return texts(page, ".banner")


def history(page: Tag) -> list[str]:
    return texts(page, "#history .history-version")
