"""The optional columns of other sites, and their `files`."""

import re
from urllib.parse import unquote

import bson

from migrations_sql_to_mongo.rows import Row
from migrations_sql_to_mongo.values import as_json
from migrations_sql_to_mongo.verify.context import Context
from migrations_sql_to_mongo.verify.conversions import digest, flag, key, words
from migrations_sql_to_mongo.verify.findings import Expected
from migrations_sql_to_mongo.verify.rules import whole

_BUILT = {"whl": "bdist_wheel", "egg": "bdist_egg", "exe": "bdist_wininst", "msi": "bdist_msi"}
_BUILT |= {"rpm": "bdist_rpm", "dmg": "bdist_dmg"}


def more_of(context: Context, table: str, row: Row, odd: Expected) -> Expected:
    """Return the optional columns of a row. An invalid digest goes into `odd`. Raises ValueError."""
    more: Expected = {}
    for place, name, kind, form in context.optional.get(table, ()):
        value = row[place]
        match kind:
            case "flag":
                more[name] = flag(value) != (form == "negated")
            case "list":
                more[name] = words(context.text, value, form)
            case "sha256" | "md5":
                more[name] = digest(value, kind)
                if value not in (None, "") and more[name] is None:
                    odd[name] = as_json(value)
            case "key":
                more[name] = key(context.text, value)
            case _:
                more[name] = context.text(value)
    return more


def kind_of_file(filename: str) -> str | None:
    """Return the kind of distribution that a file's name belongs to, or None."""
    parts = re.fullmatch(r".+?\.(tar\.(?:gz|bz2|xz|Z)|zip|tgz|tar|whl|egg|exe|msi|rpm|dmg)", filename, re.DOTALL)
    if parts is None:
        return None
    is_dumb = re.search(r"-\d[^-]*\.(?:linux|macosx|win|freebsd|cygwin)", filename)
    return _BUILT.get(parts[1], "bdist_dumb" if is_dumb else "sdist")


def expected_file(context: Context, row: Row) -> tuple[Expected, Expected]:
    """Return the file expected for a row of `files`, and what its release keeps of it under `legacy`."""
    _, _, filename, url, size, created, _, *_ = row
    odd: Expected = {}
    when = context.date("files", "created_date", created, odd)
    more = more_of(context, "files", row, odd)
    path = (context.text(filename) or "").partition("?")[0].partition("#")[0]
    name = unquote(path.split("/")[-1])
    packagetype = kind_of_file(name)
    if packagetype is None:
        raise ValueError(f"{name} is not a distribution")
    whole_size = whole(size)
    file: Expected = {
        "filename": name,
        "url": context.text(url),
        "size": None if whole_size is None else bson.Int64(whole_size),
        "packagetype": packagetype,
        "uploaded_at": when,
        "yanked": more.get("yanked", False),
    }
    file |= {column: more.get(column) or None for column in ("sha256", "md5", "requires_python", "yanked_reason")}
    return {column: value for column, value in file.items() if value is not None}, odd


def add_files(release: Expected, expected: list[tuple[Expected, Expected]]) -> None:
    """Add its files to a release, and what follows from them."""
    files = [file for file, _ in expected]
    uploaded = sorted(file["uploaded_at"] for file in files if "uploaded_at" in file)
    size = sum(file.get("size", 0) for file in files)
    first = next((file for file in files if file["packagetype"] == "sdist"), files[0])
    requiring = [file["requires_python"] for file in files if "requires_python" in file]
    if uploaded:
        release.setdefault("created_date", uploaded[0])
    if "url" in first:
        release.setdefault("url", first["url"])
    if any("size" in file for file in files) and size < 2**63:
        release.setdefault("size", bson.Int64(size))
    if requiring:
        release.setdefault("requires_python", requiring[0])
    if all(file["yanked"] for file in files):
        release["yanked"] = True
    release |= {"file_count": len(files), "files": files}
    if kept := [{"filename": file["filename"], **odd} for file, odd in expected if odd]:
        release["legacy"]["files"] = kept
