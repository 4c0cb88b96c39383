"""Packages to measure with: the 72 real ones where they are at hand, else as many made-up ones of their kind."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from webapp.changes import site_stats
from webapp.changes.pypi_json import parse, store
from webapp.documents import DOCUMENTS, Package, Release, ReleaseFile, ensure_indexes

REAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "pypi-json"
FIRST_DAY = datetime(2010, 1, 1, tzinfo=UTC)


def fill() -> str:
    """Fill the database that the documents are bound to; return what with."""
    ensure_indexes(DOCUMENTS)
    documents = sorted(REAL.glob("*.json"))
    for document in documents:
        store(parse(document.read_bytes()).package)
    if not documents:
        for number in range(72):
            store(made_up("click" if number == 0 else f"http-project-{number}", releases=20 + number))
    site_stats.refresh()
    return f"{len(documents)} real packages" if documents else "72 made-up packages"


def made_up(name: str, *, releases: int) -> Package:
    """Return a package with so many releases of two files each."""
    return Package(
        normalized_name=name,
        name=name,
        summary=f"What {name} does over http",
        description="A paragraph of a description. " * 200,
        description_content_type="text/markdown",
        license="MIT",
        classifiers=["Programming Language :: Python :: 3", "Topic :: Internet"],
        releases=[_release(name, number) for number in range(releases)],
    )


def _release(name: str, number: int) -> Release:
    version = f"1.{number}"
    day = FIRST_DAY + timedelta(days=7 * number)
    filenames = {"sdist": f"{name}-{version}.tar.gz", "bdist_wheel": f"{name}-{version}-py3-none-any.whl"}
    files = [
        ReleaseFile(
            filename=filename,
            url=f"https://files.example.org/{filename}",
            size=50_000 + number,
            packagetype=packagetype,
            sha256=f"{number:064x}",
            md5=f"{number:032x}",
            uploaded_at=day,
        )
        for packagetype, filename in filenames.items()
    ]
    return Release(version=version, created_date=day, size=100_000, files=files)
