"""The releases of a package and their files, as parts of its document."""

import mongoengine as me

from webapp.documents.partly_read import Outline
from webapp.documents.publisher import Source

# The largest number in BSON.
MAX_INT64 = 2**63 - 1

# Where the addresses of uploaded files start. Mirrors accept only files below /packages/.
OWN_FILES = "/packages/"
# Where they started in older versions. Documents may still contain such addresses, which keep working.
FORMER_OWN_FILES = "/files/"


class ReleaseFile(me.EmbeddedDocument):
    """A distribution file of a release, about 0.7 kB; at most about 20,000 in one package."""

    filename = me.StringField(required=True)
    url = me.StringField()
    size = me.LongField()  # bytes
    packagetype = me.StringField()  # "sdist", "bdist_wheel", ...
    python_version = me.StringField()  # "source", "py3", "cp311", ...
    sha256 = me.StringField()
    md5 = me.StringField()
    blake2b_256 = me.StringField()
    uploaded_at = me.DateTimeField()
    requires_python = me.StringField()
    yanked = me.BooleanField(default=False)
    yanked_reason = me.StringField()
    comment = me.StringField()
    metadata_sha256 = me.StringField()  # of its core metadata (PEP 714), if stored
    is_attested = me.BooleanField(default=None)  # true if it was uploaded with attestations (PEP 740)
    signed_by = me.StringField()  # who signed these, if the site verified it: a workflow, or an email address
    provenance_url = me.StringField()  # of an upstream file: where its attestations are (PEP 740)
    uploaded_by = me.StringField()  # the name of the uploading member, or of the repository ...
    uploaded_with = me.StringField()  # ... and their tool
    source = me.EmbeddedDocumentField(Source)  # the repository and commit, if a pipeline published it


class Release(me.EmbeddedDocument):
    """A version of a package; most packages have a dozen, a few have 2,500."""

    version = me.StringField(required=True)
    sort_key = me.StringField(required=True)  # naming.sort_key(version)
    created_date = me.DateTimeField()
    comment = me.StringField()
    url = me.StringField()
    size = me.LongField()  # bytes, of all files together
    is_prerelease = me.BooleanField(default=False)
    yanked = me.BooleanField(default=False)
    yanked_reason = me.StringField()
    requires_python = me.StringField()
    file_count = me.IntField(default=0)
    files = me.EmbeddedDocumentListField(ReleaseFile)
    as_of = me.LongField()  # the serial of the index's document that listed it last
    differing = me.ListField(me.StringField(), default=None)  # the facts about which its files disagree
    legacy = me.DictField(default=None)  # what a migration from SQL kept for the record

    def keep_own_files(self, before: "Release") -> None:
        """Keep files of the previous release that were uploaded here: imports do not replace them."""
        own = [file for file in before.files if is_own(file.url)]
        names = {file.filename for file in own}
        if own:
            self.files = [file for file in self.files if file.filename not in names] + own
            self.sum_up()

    def sum_up(self) -> None:
        """Derive the release's fields from its files."""
        dates = [file.uploaded_at for file in self.files if file.uploaded_at]
        sizes = [file.size for file in self.files if file.size is not None]
        wheels_last = sorted(self.files, key=lambda file: file.packagetype != "sdist")
        self.created_date = min(dates, default=None)
        self.url = wheels_last[0].url if self.files else None
        self.size = sum(sizes) if sizes and sum(sizes) <= MAX_INT64 else None
        # Warehouse yanks files, and a release is yanked if all of its files are (PEP 592).
        self.yanked = bool(self.files) and all(file.yanked for file in self.files)
        self.yanked_reason = self.files[0].yanked_reason if self.yanked else None
        self.requires_python = next((file.requires_python for file in self.files if file.requires_python), None)

    def outline(self) -> Outline:
        """Return the fields from which the package's own fields are derived."""
        return Outline(
            self.version, self.sort_key, self.created_date, self.size, bool(self.is_prerelease), bool(self.yanked)
        )


def own_url(sha256: str, filename: str) -> str:
    """Return the address of an uploaded file, which contains its digest. It starts at the site's root."""
    return f"{OWN_FILES}{sha256[:2]}/{sha256[2:4]}/{sha256[4:]}/{filename}"


def is_own(url: str | None) -> bool:
    """Tell whether this is the address of an uploaded file."""
    return bool(url and url.startswith((OWN_FILES, FORMER_OWN_FILES)))
