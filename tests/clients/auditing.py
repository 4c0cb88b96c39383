"""How clients audit a project by the advisories of a site that has no internet to ask."""

import json
from typing import Any

from tests.clients.abilities import Ability
from tests.clients.programs import PIP, UV, Client, Done, said
from tests.clients.publishing import upload_file
from tests.clients.shop import APP, NAME, Shop

PIP_AUDIT = "pip-audit==2.10.1"

# Of a project that is here: fixed by 2.0, of releases that nobody has, withdrawn. Of a project that is not here.
ADVISORIES: dict[str, dict[str, Any]] = {
    "ACME-2026-1": {"name": NAME, "fixed": "2.0", "summary": "Takes too much"},
    "ACME-2026-2": {"name": NAME, "introduced": "2.5", "fixed": "3.0"},
    "ACME-2026-3": {"name": NAME, "withdrawn": "2026-11-02T00:00:00Z"},
    "PYSEC-2026-4": {"name": "elsewhere", "versions": ["0.4"], "aliases": ["CVE-2026-4"]},
}
PROJECT = f"""
[project]
name = "app"
version = "1"
requires-python = ">=3.11"
dependencies = ["{NAME}==VERSION", "elsewhere==0.4"]
"""
# uv reads the lock file and asks no index about it.
LOCK = """
version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "app"
version = "1"
source = { virtual = "." }
dependencies = [{ name = "elsewhere" }, { name = "larder-probe" }]

[package.metadata]
requires-dist = [
    { name = "elsewhere", specifier = "==0.4" },
    { name = "larder-probe", specifier = "==VERSION" },
]

[[package]]
name = "elsewhere"
version = "0.4"
source = { registry = "INDEX" }
sdist = { url = "https://files.example.org/elsewhere-0.4.tar.gz", hash = "sha256:HASH", size = 1 }

[[package]]
name = "larder-probe"
version = "VERSION"
source = { registry = "INDEX" }
sdist = { url = "https://files.example.org/larder_probe-VERSION.tar.gz", hash = "sha256:HASH", size = 1 }
"""


def named_in(done: Done) -> set[str]:
    return {each for each in ADVISORIES if each in done.stdout + done.stderr}


def audit_with_uv(client: Client, shop: Shop) -> None:
    address = f"{shop.site_for_all}/osv/"
    for version, expected in (("1.0", {"ACME-2026-1", "PYSEC-2026-4"}), ("2.0", {"PYSEC-2026-4"})):
        texts = {"VERSION": version, "INDEX": shop.index(), "HASH": "a" * 64}
        for name, text in (("pyproject.toml", PROJECT), ("uv.lock", LOCK)):
            for key, value in texts.items():
                text = text.replace(key, value)
            (client.home / name).write_text(text)

        preview = ("--preview-features", "audit-command")
        done = client.run("uv", "audit", "--frozen", *preview, "--service-url", address)

        assert named_in(done) == expected, said(done)
        assert done.returncode == 1, said(done)


def audit_with_pip_audit(client: Client, shop: Shop) -> None:
    """It says where each problem is fixed, too: nowhere, where all affected versions are listed."""
    address = f"{shop.site_for_all}/osv/v1/query"
    for version, expected in (("1.0", {"ACME-2026-1": ["2.0"], "PYSEC-2026-4": []}), ("2.0", {"PYSEC-2026-4": []})):
        (client.home / "requirements.txt").write_text(f"{NAME}=={version}\nelsewhere==0.4\n")

        done = client.run("pip-audit", "-s", "osv", "--osv-url", address, "-r", "requirements.txt", "--no-deps",
                          "--disable-pip", "--format", "json")  # fmt: skip

        assert done.returncode == 1, said(done)
        found = [each for project in json.loads(done.stdout)["dependencies"] for each in project["vulns"]]
        assert {each["id"]: each["fix_versions"] for each in found} == expected, said(done)


def resolve_with_pip_audit(client: Client, shop: Shop) -> None:
    """Ask the index what the requirements need, too. Before that, pip-audit upgrades pip in a new environment."""
    (client.home / "requirements.txt").write_text(f"{APP}\n")
    command = ("pip-audit", "-s", "osv", "--osv-url", f"{shop.site_for_all}/osv/v1/query", "-r", "requirements.txt")
    # Its --index-url would not be asked for pip.
    index = {"PIP_INDEX_URL": shop.index_for_all}
    done = client.run(*command, **index)
    assert "Failed to upgrade `pip`" in said(done), said(done)

    needed = ("pip", "setuptools", "wheel", "packaging")
    got = Client(PIP, client.home).run("pip", "download", "--no-deps", "-d", "its", *needed)
    assert got.returncode == 0, said(got)
    for wheel in (client.home / "its").iterdir():
        upload_file(shop, wheel.name, wheel.read_bytes())
    done = client.run(*command, **index)

    assert done.returncode == 0, said(done)
    assert "No known vulnerabilities found" in said(done)


AUDITS: dict[tuple[str, str, str], Ability] = {
    ("Auditing", UV, "audit"): audit_with_uv,
    ("Auditing", PIP_AUDIT, "audit"): audit_with_pip_audit,
    ("Auditing", PIP_AUDIT, "resolve first"): resolve_with_pip_audit,
}
