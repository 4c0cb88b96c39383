"""Common names of tables and columns, for `map suggest`."""

# Our table -> a pattern for its name, and columns of which it must have one each.
NAMED: dict[str, tuple[str, tuple[tuple[str, ...], ...]]] = {
    "users": (
        r"(?:auth_)?(?:users?|accounts?|members?|people|persons?)",
        (("email", "email_address", "mail", "username", "login", "user_name", "full_name"),),
    ),
    "packages": (
        r"(?:packages?|projects?|distributions?|modules?|pkgs?)",
        (("name", "id", "package_name", "project", "project_name", "title", "slug", "pkgname"),),
    ),
    "releases": (
        r"(?:releases?|versions?|package_versions?|rel)",
        (
            ("version", "version_string", "version_number", "number", "ver", "major_ver", "url"),
            ("package_id", "project_id", "package", "project", "package_name", "project_name", "name", "pkg_id"),
        ),
    ),
    "files": (
        r"(?:(?:release_?|package_?)?files?|artifacts?|dists?|uploads?|package_files?|pkg_files?)",
        (("filename", "file_name", "name", "basename", "path", "relfn", "file"),),
    ),
    "maintainers": (
        r"(?:.*_)?(?:maintainers?|collaborators?|owners|(?:package|project)_(?:users?|members?|roles?))",
        (
            ("user_id", "maintainer_id", "account_id", "member_id", "user", "username", "maintainer", "owner_id"),
            ("package_id", "project_id", "package", "project", "package_name", "project_name"),
        ),
    ),
    "downloads": (
        r"(?:downloads?|download_logs?|downloads_log)",
        (("package_id", "release_id", "package", "project", "project_id", "package_name"),),
    ),
    "licenses": ("licenses", (("id",), ("description",))),
    "languages": ("languages", (("id",), ("description",))),
    "auditing": ("auditing", (("id",), ("description",))),
}

_CREATED = ("created_at", "created", "created_on", "creation_date", "date_created", "create_time", "added", "added_at")
_UPLOADED = ("uploaded_at", "upload_time", "upload_date", "uploaded", "upload_time_iso", "mtime", "timestamp")
_SHA256 = ("sha256_digest", "sha256_hash", "sha_256", "hash_sha256", "digest_sha256", "sha256sum")
_MD5 = ("md5_digest", "md5_hash", "hash_md5", "md5sum")
_SIZE = ("filesize", "file_size", "size_bytes", "bytes", "content_length", "length")
_PYTHON = ("python_requires", "requires-python", "requirespython")

# Our column -> its names elsewhere, likeliest first. Case and underscores do not matter.
COLUMNS: dict[str, dict[str, tuple[str, ...]]] = {
    "users": {
        "username": ("login", "user_name", "nick", "nickname", "handle", "screen_name", "login_name"),
        "name": ("full_name", "fullname", "display_name", "real_name"),
        "email": ("email_address", "mail", "e_mail"),
        "hashed_password": (
            "password_hash",
            "password",
            "passwd",
            "pw",
            "pwd",
            "pw_hash",
            "pwhash",
            "password_digest",
            "encrypted_password",
            "crypted_password",
            "hash",
        ),
        "created_date": (
            "date_joined",
            "joined",
            "joined_at",
            "registered_at",
            "registered_on",
            "signup_date",
            "create_datetime",
            *_CREATED,
        ),
        "last_login": ("last_login_at", "current_login_at", "last_signed_in", "last_seen", "last_sign_in_at"),
        "profile_image_url": ("avatar_url", "avatar", "image_url", "picture", "photo_url"),
        "is_active": ("active", "enabled", "is_enabled"),
        "is_admin": ("admin", "is_superuser", "superuser", "is_administrator", "administrator"),
        "is_staff": ("staff",),
    },
    "packages": {
        "id": ("name", "package_name", "project_name", "project", "pkgname", "package", "title", "slug"),
        "created_date": _CREATED,
        "summary": ("short_description", "tagline", "headline", "blurb"),
        "description": ("long_description", "readme", "body", "full_description"),
        "home_page": ("homepage", "homepage_url", "home_url", "website", "url", "project_url"),
        "docs_url": ("documentation_url", "documentation", "docs"),
        "author_name": ("author",),
        "license": ("licence", "license_name", "licence_name"),
        "keywords": ("tags", "keyword"),
        "classifiers": ("trove_classifiers", "classifier"),
        "requires_python": _PYTHON,
    },
    "releases": {
        "version": ("version_string", "version_number", "number", "ver", "release"),
        "package_id": (
            "package",
            "project_id",
            "project",
            "package_name",
            "project_name",
            "pkgname",
            "pkg_id",
            "name",
        ),
        "created_date": ("released_at", "release_date", "released", "published_at", "pub_date", *_UPLOADED, *_CREATED),
        "comment": ("notes", "release_notes", "changelog", "summary"),
        "url": ("download_url", "file_url", "link"),
        "filename": ("file_name", "file"),
        "size": _SIZE,
        "sha256": _SHA256,
        "md5": _MD5,
        "requires_python": _PYTHON,
        "yanked": ("is_yanked",),
        "yanked_reason": ("yank_reason",),
    },
    "files": {
        "filename": ("file_name", "basename", "file", "name"),
        "url": ("download_url", "file_url", "link"),
        "created_date": (*_UPLOADED, *_CREATED),
        "size": _SIZE,
        "sha256": (*_SHA256, "digest", "hash", "checksum"),
        "md5": _MD5,
        "requires_python": _PYTHON,
        "yanked": ("is_yanked",),
        "yanked_reason": ("yank_reason",),
    },
    "maintainers": {"is_owner": ("owner",)},
    "downloads": {
        "created_date": ("downloaded_at", "date", "timestamp", "time", *_CREATED),
        "ip_address": ("ip", "remote_addr", "address"),
        "user_agent": ("agent", "ua"),
    },
    "links": {
        "package_id": ("package", "project_id", "project", "package_name", "project_name", "pkgname", "pkg_id", "name"),
        "release_id": ("release", "version_id", "release_version_id", "package_version_id"),
        "user_id": ("user", "maintainer_id", "account_id", "member_id", "username", "maintainer", "owner_id"),
        "owner_id": ("owner", "user_id", "created_by_id", "created_by", "creator_id", "author_id", "uploader_id"),
    },
}

# Columns that disable users, and how to read each of them for `is_active`.
FLAGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "negated",
        ("is_disabled", "disabled", "is_banned", "banned", "is_blocked", "blocked", "suspended", "is_suspended"),
    ),
    ("negated", ("is_locked", "locked", "is_deleted", "deleted", "inactive", "is_inactive")),
    ("null", ("deleted_at", "disabled_at", "banned_at", "deactivated_at", "suspended_at", "blocked_at", "locked_at")),
)
ADMIN_ROLES = frozenset({"admin", "admins", "administrator", "administrators", "superuser", "superadmin", "root"})
