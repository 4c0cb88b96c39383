"""The data in MongoDB: one class per collection, its embedded documents, and named queries."""

from webapp.documents.api_token import ApiToken, TokenScope
from webapp.documents.auditing import AuditEvent
from webapp.documents.base import ensure_indexes
from webapp.documents.contents import Chunk, Contents
from webapp.documents.download import Download
from webapp.documents.download_count import DownloadCount
from webapp.documents.journal import Counter, JournalEntry
from webapp.documents.known_name import KnownName, NameClaim
from webapp.documents.labels import License, ProgrammingLanguage
from webapp.documents.package import Invitation, Maintainer, Package, PackageTooLarge
from webapp.documents.page import Page
from webapp.documents.project_status import ProjectStatus
from webapp.documents.release import Release, ReleaseFile
from webapp.documents.release_facts import ReleaseDescription, ReleaseFacts
from webapp.documents.search_entry import SearchEntry
from webapp.documents.search_state import SearchState
from webapp.documents.search_word import SearchWord
from webapp.documents.shown_release import Latest, NewestRelease
from webapp.documents.site_stats import SiteStats
from webapp.documents.stored_file import StoredFile
from webapp.documents.upstream import UpstreamFile, UpstreamProject
from webapp.documents.user import User
from webapp.documents.validators import ensure_validators

DOCUMENTS = (
    Package,
    ReleaseFacts,
    ReleaseDescription,
    StoredFile,
    UpstreamProject,
    UpstreamFile,
    KnownName,
    NameClaim,
    Contents,
    Chunk,
    JournalEntry,
    Counter,
    User,
    ApiToken,
    Page,
    License,
    ProgrammingLanguage,
    Download,
    DownloadCount,
    AuditEvent,
    SiteStats,
    SearchEntry,
    SearchWord,
    SearchState,
)

__all__ = [
    "DOCUMENTS",
    "ApiToken",
    "AuditEvent",
    "Chunk",
    "Contents",
    "Counter",
    "Download",
    "DownloadCount",
    "Invitation",
    "JournalEntry",
    "KnownName",
    "Latest",
    "License",
    "Maintainer",
    "NameClaim",
    "NewestRelease",
    "Package",
    "PackageTooLarge",
    "Page",
    "ProgrammingLanguage",
    "ProjectStatus",
    "Release",
    "ReleaseDescription",
    "ReleaseFacts",
    "ReleaseFile",
    "SearchEntry",
    "SearchState",
    "SearchWord",
    "SiteStats",
    "StoredFile",
    "TokenScope",
    "UpstreamFile",
    "UpstreamProject",
    "User",
    "ensure_indexes",
    "ensure_validators",
]
