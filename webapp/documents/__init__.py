"""What Larder keeps in MongoDB: one class a collection, their embedded parts and their named questions."""

from webapp.documents.auditing import AuditEvent
from webapp.documents.base import ensure_indexes
from webapp.documents.download import Download
from webapp.documents.labels import License, ProgrammingLanguage
from webapp.documents.package import (
    Maintainer,
    Package,
    PackageTooLarge,
    Release,
    ReleaseFile,
)
from webapp.documents.page import Page
from webapp.documents.search_entry import SearchEntry
from webapp.documents.search_index import SearchState
from webapp.documents.search_word import SearchWord
from webapp.documents.shown_release import Latest, NewestRelease
from webapp.documents.site_stats import SiteStats
from webapp.documents.user import User

DOCUMENTS = (
    Package,
    User,
    Page,
    License,
    ProgrammingLanguage,
    Download,
    AuditEvent,
    SiteStats,
    SearchEntry,
    SearchWord,
    SearchState,
)

__all__ = [
    "DOCUMENTS",
    "AuditEvent",
    "Download",
    "Latest",
    "License",
    "Maintainer",
    "NewestRelease",
    "Package",
    "PackageTooLarge",
    "Page",
    "ProgrammingLanguage",
    "Release",
    "ReleaseFile",
    "SearchEntry",
    "SearchState",
    "SearchWord",
    "SiteStats",
    "User",
    "ensure_indexes",
]
