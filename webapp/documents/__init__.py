"""What Larder keeps in MongoDB: one class a collection, their embedded parts and their named questions."""

from webapp.documents.auditing import AuditEvent
from webapp.documents.base import ensure_indexes
from webapp.documents.download import Download
from webapp.documents.labels import License, ProgrammingLanguage
from webapp.documents.package import (
    Latest,
    Maintainer,
    NewestRelease,
    Package,
    PackageTooLarge,
    Release,
    ReleaseFile,
)
from webapp.documents.page import Page
from webapp.documents.site_stats import SiteStats
from webapp.documents.user import User
from webapp.documents.validators import ensure_validators

DOCUMENTS = (Package, User, Page, License, ProgrammingLanguage, Download, AuditEvent, SiteStats)

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
    "SiteStats",
    "User",
    "ensure_indexes",
    "ensure_validators",
]
