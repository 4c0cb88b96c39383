"""The data in MongoDB: one class per collection, its embedded documents, and named queries."""

from webapp.documents.advisory import Advisory, AdvisoryState
from webapp.documents.api_token import ApiToken, TokenScope
from webapp.documents.auditing import AuditEvent
from webapp.documents.contents import Chunk, Contents
from webapp.documents.description_image import DescriptionImage
from webapp.documents.download import Download
from webapp.documents.download_count import DownloadCount
from webapp.documents.indexes import IndexProblems, ensure_indexes
from webapp.documents.invitation import Invitation
from webapp.documents.journal import Counter, JournalEntry, JournalState
from webapp.documents.known_name import KnownName, NameClaim
from webapp.documents.labels import License, ProgrammingLanguage
from webapp.documents.package import Maintainer, Package, PackageTooLarge, TeamRole
from webapp.documents.page import Page
from webapp.documents.project_status import ProjectStatus
from webapp.documents.publisher import PendingPublisher, Publisher, Source, UsedToken
from webapp.documents.publishing_session import PublishingSession, SessionFile
from webapp.documents.release import Release, ReleaseFile
from webapp.documents.release_facts import ReleaseDescription, ReleaseFacts
from webapp.documents.search_entry import SearchEntry
from webapp.documents.search_state import SearchState
from webapp.documents.search_word import SearchWord
from webapp.documents.shown_release import Latest, NewestRelease
from webapp.documents.site_stats import SiteStats
from webapp.documents.stored_file import StoredFile
from webapp.documents.team import Team
from webapp.documents.upstream import UpstreamFile, UpstreamProject
from webapp.documents.user import Membership, User
from webapp.documents.validators import ensure_validators
from webapp.documents.watcher import Watcher
from webapp.documents.webhook import Webhook, WebhookMessage

DOCUMENTS = (
    Package,
    ReleaseFacts,
    ReleaseDescription,
    StoredFile,
    PublishingSession,
    UpstreamProject,
    UpstreamFile,
    DescriptionImage,
    Advisory,
    AdvisoryState,
    KnownName,
    NameClaim,
    Contents,
    Chunk,
    JournalEntry,
    Counter,
    JournalState,
    User,
    Team,
    ApiToken,
    PendingPublisher,
    UsedToken,
    Page,
    License,
    ProgrammingLanguage,
    Download,
    DownloadCount,
    AuditEvent,
    Watcher,
    Webhook,
    WebhookMessage,
    SiteStats,
    SearchEntry,
    SearchWord,
    SearchState,
)

__all__ = [
    "DOCUMENTS",
    "Advisory",
    "AdvisoryState",
    "ApiToken",
    "AuditEvent",
    "Chunk",
    "Contents",
    "Counter",
    "DescriptionImage",
    "Download",
    "DownloadCount",
    "IndexProblems",
    "Invitation",
    "JournalEntry",
    "JournalState",
    "KnownName",
    "Latest",
    "License",
    "Maintainer",
    "Membership",
    "NameClaim",
    "NewestRelease",
    "Package",
    "PackageTooLarge",
    "Page",
    "PendingPublisher",
    "ProgrammingLanguage",
    "ProjectStatus",
    "Publisher",
    "PublishingSession",
    "Release",
    "ReleaseDescription",
    "ReleaseFacts",
    "ReleaseFile",
    "SearchEntry",
    "SearchState",
    "SearchWord",
    "SessionFile",
    "SiteStats",
    "Source",
    "StoredFile",
    "Team",
    "TeamRole",
    "TokenScope",
    "UpstreamFile",
    "UpstreamProject",
    "UsedToken",
    "User",
    "Watcher",
    "Webhook",
    "WebhookMessage",
    "ensure_indexes",
    "ensure_validators",
]
