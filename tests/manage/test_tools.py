"""Real pip against the live site: what is yanked or deleted on the pages."""

from collections.abc import Callable

import pytest
from flask import Flask

from tests.live import Run, live
from tests.manage.conftest import NAME
from tests.people import Browser

pytestmark = pytest.mark.real_server


def test_pip_skips_what_is_yanked_and_misses_what_is_deleted(
    app: Flask, ada: Browser, publish: Callable[..., str], run: Run
) -> None:
    for version in ("1.0", "2.0"):
        publish(version)

    def installed(requirement: str) -> str:
        options = ("--no-deps", "--no-cache-dir", "--disable-pip-version-check", "--dry-run", "--ignore-installed")
        result = run("pip", "install", *options, "--target", "x", "--index-url", f"{address}/simple/", requirement)
        return result.stdout + result.stderr

    with live(app) as address:
        ada.send(f"/manage/{NAME}/yank/2.0", reason="It loses data")
        newest, exact = installed(NAME), installed(f"{NAME}==2.0")
        ada.send(f"/manage/{NAME}/delete-release/2.0", typed=f"{NAME} 2.0")
        deleted = installed(f"{NAME}==2.0")

    assert f"Would install {NAME}-1.0" in newest
    assert f"Would install {NAME}-2.0" in exact
    assert "It loses data" in exact
    assert f"No matching distribution found for {NAME}==2.0" in deleted
