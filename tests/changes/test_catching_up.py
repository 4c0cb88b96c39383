from datetime import UTC, datetime

import pytest
from flask import Flask

from tests import factories
from webapp.changes import catching_up, site_stats
from webapp.documents import Download, DownloadCount, KnownName, Package


def test_package_of_an_older_version_of_the_site_gets_the_names_that_it_requires(app: Flask) -> None:
    factories.package("old", requires_dist=["Flask>=3"])
    factories.package("moved")
    packages = Package._get_collection()
    packages.update_many({}, {"$unset": {"requires": ""}})
    packages.update_one({"_id": "moved"}, {"$unset": {"requires_dist": ""}})
    before = packages.find_one({"_id": "moved"})

    site_stats.refresh()

    assert [package.pk for package in Package.objects.requiring("flask")] == ["old"]
    # `migrate undo` compares what it moved with what stands there.
    assert packages.find_one({"_id": "moved"}) == before


def test_names_that_are_there_already_stay(app: Flask) -> None:
    factories.package("one", requires_dist=["Flask>=3"])
    Package._get_collection().update_one({"_id": "one"}, {"$set": {"requires": ["by-hand"]}})

    site_stats.refresh()

    assert Package.objects.get().requires == ["by-hand"]


def test_requirements_that_were_broken_by_hand_do_not_stop_it(app: Flask) -> None:
    factories.package("odd")
    Package._get_collection().update_one(
        {}, {"$set": {"requires_dist": [5, None, "flask"]}, "$unset": {"requires": ""}}
    )

    site_stats.refresh()

    assert Package.objects.get().requires == ["flask"]


def test_names_of_all_projects_are_remembered_for_ever(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catching_up, "BATCH", 2)
    for number in range(5):
        factories.package(f"project-{number}")
    site_stats.refresh()
    Package.objects(pk="project-3").delete()
    factories.package("another")
    Package._get_collection().insert_one({"_id": 5})

    site_stats.refresh()

    assert {each.skeleton for each in KnownName.objects} == {"an0ther", *(f"pr0ject{number}" for number in range(5))}
    names = [each.pk for each in KnownName.objects.order_by("pk")]
    assert names == ["another", *(f"project-{number}" for number in range(5))]


def test_names_that_an_older_version_remembered_get_what_they_look_like(app: Flask) -> None:
    factories.package("py-oil")
    KnownName._get_collection().insert_one({"_id": "py-oil"})

    site_stats.refresh()

    assert KnownName.objects.get().skeleton == "py011"


def test_downloads_of_an_old_site_are_added_up_unless_as_many_were(app: Flask) -> None:
    Download(created_date=datetime(2014, 3, 1, tzinfo=UTC), package="flask", version="1.0").save()

    unchanged = catching_up.add_moved_downloads(1)
    before = DownloadCount.objects.count()
    unknown = catching_up.add_moved_downloads(None)

    assert (unchanged, unknown) == (1, 1)
    assert before == 0
    assert DownloadCount.objects.get(pk="2014-03/moved").count == 1
