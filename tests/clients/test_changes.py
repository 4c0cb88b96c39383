"""What changes on the site is what installers find a moment later, though they and the site cache pages."""

from pathlib import Path

import pytest
from flask import Flask

from tests.clients.programs import PIP, UV, Client, said
from tests.clients.publishing import upload
from tests.clients.shop import NAME, Shop
from tests.people import signed_in
from tests.publishing import uploads
from tests.servers import serving
from webapp.documents import DOCUMENTS, User

pytestmark = [pytest.mark.real_server, pytest.mark.clients]

INSTALL = {
    # pip caches what comes by HTTPS, and by HTTP from hosts that it was told to trust.
    PIP: ("pip", "install", "--quiet", "--trusted-host", "127.0.0.1"),
    UV: ("uv", "pip", "install", "--cache-dir", "cache"),
}


@pytest.mark.parametrize("access", ["public", "members"])
@pytest.mark.parametrize("requirement", INSTALL)
def test_upload_yank_and_deletion_are_seen_at_once(requirement: str, access: str, site: Flask, home: Path) -> None:
    with site.app_context():
        for document_type in DOCUMENTS:
            document_type._get_collection().delete_many({})
        ada = signed_in(site)
        secret = uploads.token_of(User.objects.get(), permissions=("upload", "read"))
    client = Client(requirement, home)
    # As it is shipped: two processes, and pages are cached.
    settings = {"READ_ACCESS": access, "HTTPS_ONLY": 0, "PAGE_CACHE_S": 3}
    with serving(home / "log", site.config["MONGODB_URI"], workers=2, **settings) as running:
        shop = Shop(running, secret, access)

        def installs(what: str, version: str) -> None:
            """Install into an empty folder, with the client's cache of before."""
            target = f"got-{len(list(home.glob('got-*')))}"
            command = (*INSTALL[requirement], "--target", target, "--index-url", shop.index_for_all, what)
            done = client.run(*command, UV_NO_CACHE="0")
            found = [path.name for path in (home / target).glob("*.dist-info")]
            expected = [f"larder_probe-{version}.dist-info"] if version else []
            assert found == expected, said(done)

        upload(shop, NAME, "1.0")
        installs(NAME, "1.0")

        upload(shop, NAME, "2.0")
        installs(f"{NAME}==2.0", "2.0")
        installs(NAME, "2.0")

        assert ada.send(f"/manage/{NAME}/yank/2.0", reason="Broken").status_code == 302
        installs(NAME, "1.0")

        assert ada.press(f"/manage/{NAME}/release/2.0", f"/manage/{NAME}/unyank/2.0").status_code == 302
        installs(NAME, "2.0")

        assert ada.send(f"/manage/{NAME}/delete-release/2.0", typed=f"{NAME} 2.0").status_code == 302
        installs(f"{NAME}==2.0", "")
        installs(NAME, "1.0")

        # The client has cached the page, and asks whether it is still the newest.
        installs(NAME, "1.0")
        assert f"GET /simple/{NAME}/ 304" in shop.requests()
