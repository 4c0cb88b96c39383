"""`map suggest`: examine a database, and write a map to start from, with a comment wherever a person has to decide."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from migrations_sql_to_mongo.catalog import Catalog, Relation
from migrations_sql_to_mongo.layout import ADMINISTRATORS, LINKS, SECTIONS
from migrations_sql_to_mongo.names import ADMIN_ROLES, COLUMNS, FLAGS, NAMED

_NUMBER = (sa.Integer, sa.Numeric, sa.Float)
_HEAD = """\
# A draft of what this database seems to hold. Correct it, then check it with `plan --map`.
# A column that has the same name here needs no line. docs/migrating.md describes all keys.
"""


# What a release that is made of its files' rows has from all of them together.
_OF_FILES = frozenset({"created_date", "url", "filename", "size", "sha256", "md5", "yanked", "yanked_reason"})


@dataclass
class _Draft:
    """The suggestion for one of our tables."""

    name: str
    relation: Relation
    joins: list[str] = field(default_factory=list)
    where: dict[str, Any] = field(default_factory=dict)
    newest_by: str | None = None
    columns: dict[str, Any] = field(default_factory=dict)  # column -> what stands after "="
    notes: list[str] = field(default_factory=list)

    def used(self) -> set[str]:
        """Return the columns of its own table that are used."""
        used = {self.newest_by} if self.newest_by else set()
        for said in self.columns.values():
            used |= {*([said] if isinstance(said, str) else said if isinstance(said, list) else [said.get("column")])}
        return used | {column.strip() for join in self.joins for column in join.partition("->")[0].split(",")}


def suggest(connection: Connection, catalog: Catalog) -> str:
    """Return a map, as TOML with comments."""
    return _Suggestion(connection, catalog).text()


class _Suggestion:
    def __init__(self, connection: Connection, catalog: Catalog) -> None:
        self._connection, self._catalog = connection, catalog
        self._drafts: dict[str, _Draft] = {}
        self._choose_tables()
        for draft in list(self._drafts.values()):
            self._fill(draft)
        for draft in self._drafts.values():
            self._link(draft)
        self._add_administrators()

    # Which table is which

    def _choose_tables(self) -> None:
        left = [one for one in self._catalog.relations() if len(one.columns) > 1]
        for name in NAMED:
            scored = [(self._likeness(name, one), one) for one in left]
            best = max(scored, key=lambda pair: pair[0], default=(0, None))
            if best[1] is not None and best[0] > 0:
                self._drafts[name] = _Draft(name, best[1])
                left.remove(best[1])
        self._from_one_table_of_files()

    def _likeness(self, name: str, relation: Relation) -> int:
        """Return how similar a table is to one of ours; 0 if it is not."""
        called = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", relation.table).lower()
        last = called.rsplit("_", 1)[-1]
        pattern, needed = NAMED[name]
        match = 3 if re.fullmatch(pattern, called) else 2 if re.fullmatch(pattern, last) else 0
        found = [self._first(relation, candidates) for candidates in needed]
        if not match or not all(found):
            return 0
        known = sum(self._first(relation, names) is not None for names in COLUMNS.get(name, {}).values())
        return match * 100 + known

    @staticmethod
    def _first(relation: Relation, candidates: Iterable[str]) -> str | None:
        """Return the first of these columns that a table has, whatever their case."""
        there = {_plain(column): column for column in relation.columns}
        return next((there[_plain(one)] for one in candidates if _plain(one) in there), None)

    def _column(self, relation: Relation, name: str, column: str) -> str | None:
        """Return the column of a table that seems to correspond to one of ours."""
        return self._first(relation, (column, *COLUMNS.get(name, {}).get(column, ())))

    def _from_one_table_of_files(self) -> None:
        """Read packages and releases from the table of files, if they have no table of their own."""
        files = self._drafts.get("files")
        if files is None or self._column(files.relation, "releases", "version") is None:
            return
        package = self._column(files.relation, "releases", "package_id")
        newest = self._column(files.relation, "files", "created_date") or next(iter(files.relation.key), None)
        for name in ("packages", "releases"):
            if name not in self._drafts and package and newest:
                self._drafts[name] = _Draft(name, files.relation, newest_by=newest)
                self._drafts[name].notes.append(f"there is no table of {name}: they are made of the files")

    # Which column is which

    def _fill(self, draft: _Draft) -> None:
        relation = draft.relation
        for column, kind in SECTIONS[draft.name].items():
            if (draft.name, column) in LINKS:
                continue
            found = self._column(relation, draft.name, column)
            if found is None or found in draft.used() or (draft.newest_by and column in _OF_FILES):
                continue
            if kind == "date":
                draft.columns[column] = self._date(relation, found)
            elif column == "size" or kind not in ("integer", "text") or not self._is_link(relation, found):
                draft.columns[column] = found
        if draft.name == "users":
            self._fill_user(draft)
        if draft.name == "packages":
            self._fill_package(draft)
        if draft.name in ("releases", "files") and not draft.newest_by:
            self._fill_files(draft)
        self._choose_key(draft)

    def _fill_user(self, draft: _Draft) -> None:
        relation = draft.relation
        first, last = (
            self._first(relation, ("first_name", "given_name")),
            self._first(relation, ("last_name", "surname")),
        )
        if "name" not in draft.columns and first and last:
            draft.columns["name"] = [first, last]
        if "is_active" not in draft.columns:
            for form, names in FLAGS:
                if found := self._first(relation, names):
                    draft.columns["is_active"] = {"column": found, "as": form}
                    break
        staff = draft.columns.get("is_staff")
        if staff and "is_admin" in draft.columns:
            both = _toml([draft.columns["is_admin"], staff])
            draft.notes.append(f"to make {staff} users administrators too: columns.is_admin = {both}")
        elif staff:
            draft.notes.append(f"if {staff} users are to be administrators here: columns.is_admin = {_toml(staff)}")

    def _fill_package(self, draft: _Draft) -> None:
        name = draft.columns.get("id")
        if name is None or _is_number(draft.relation, name):
            found = self._first(draft.relation, COLUMNS["packages"]["id"])
            if found is None:
                draft.notes.append('which column holds the name of a package? columns.id = "..."')
                draft.columns.pop("id", None)
            else:
                draft.columns["id"] = found
        for column, target in (("license", "licenses"), ("author_name", "users"), ("author_email", "users")):
            self._note_lookup(draft, column, target)

    def _note_lookup(self, draft: _Draft, column: str, target: str) -> None:
        """Join a table that a package's row refers to, unless it is its owner's."""
        if column in draft.columns or target == "users":
            return
        for key in draft.relation.foreign_keys:
            other = self._catalog.get(key.table)
            if other and len(key.columns) == 1 and re.search("licen[cs]e", key.columns[0]):
                text = self._first(other, ("name", "title", "id"))
                if text:
                    draft.joins.append(f"{key.columns[0]} -> {other.name}.{key.their_columns[0]}")
                    draft.columns[column] = f"{other.name}.{text}"

    def _fill_files(self, draft: _Draft) -> None:
        """Use a path, or a digest with its algorithm, for what the table lacks."""
        relation = draft.relation
        path = self._first(relation, ("path", "relfn", "file_path", "filepath", "relative_path", "storage_path"))
        if path and "filename" not in draft.columns:
            draft.columns["filename"] = path
        if "url" not in draft.columns and (path or draft.columns.get("filename")):
            column = path or draft.columns["filename"]
            draft.notes.append(
                f"if the files are on the web: columns.url = {{ column = {_toml(column)}, "
                'prefix = "https://files.example.org/" }'
            )

    def _choose_key(self, draft: _Draft) -> None:
        if "id" in draft.columns or draft.name in ("maintainers", "packages"):
            return
        if draft.name == "releases" and draft.newest_by:
            package = self._column(draft.relation, "releases", "package_id")
            draft.columns["id"] = [package, draft.columns["version"]]
        elif draft.relation.key:
            key = list(draft.relation.key)
            draft.columns["id"] = key[0] if len(key) == 1 else key
        else:
            draft.notes.append('which column tells its rows apart? columns.id = "..."')

    def _date(self, relation: Relation, column: str) -> Any:
        """Return a column of dates, with the form of its numbers."""
        if not isinstance(relation.columns[column], _NUMBER):
            return column
        highest = self._connection.execute(sa.select(sa.func.max(relation.clause.c[column]))).scalar_one()
        if not isinstance(highest, int | float) and not hasattr(highest, "as_integer_ratio"):
            return {"column": column, "as": "unix seconds"}
        for low, high, form in (
            (2_300_000, 2_600_000, "julian day"),
            (18_000_101, 22_001_231, "yyyymmdd"),
            (100_000_000_000, 10**14, "unix milliseconds"),
        ):
            if low <= highest <= high:
                return {"column": column, "as": form}
        return {"column": column, "as": "unix seconds"}

    # How tables hang together

    def _link(self, draft: _Draft) -> None:
        for (name, column), target in LINKS.items():
            if name != draft.name or target not in self._drafts:
                continue
            if name == "files" and column == "release_id" and self._release_of_file(draft):
                continue
            found = self._link_column(draft.relation, column, self._drafts[target])
            if found:
                draft.columns[column] = self._followed(draft, found, self._drafts[target])

    def _link_column(self, relation: Relation, column: str, target: _Draft) -> str | None:
        declared = [
            key.columns[0]
            for key in relation.foreign_keys
            if len(key.columns) == 1 and self._catalog.get(key.table) is target.relation
        ]
        named = self._column(relation, "links", column)
        if named and (named in declared or not declared):
            return named
        return declared[0] if declared else None

    def _release_of_file(self, draft: _Draft) -> bool:
        """Let files find their release by several columns, if these identify it."""
        key = self._drafts["releases"].columns.get("id")
        if not isinstance(key, list):
            return False
        columns = [self._first(draft.relation, (one,)) for one in key]
        if not all(columns):
            return False
        draft.columns["release_id"] = columns
        return True

    def _followed(self, draft: _Draft, column: str, target: _Draft) -> Any:
        """Return how to read a link: as the other table's name for the row, with a join if necessary."""
        theirs = target.columns.get("id", "id")
        keys = [key for key in draft.relation.foreign_keys if key.columns == (column,)]
        referred = keys[0].their_columns[0] if keys else None
        if referred is None and isinstance(theirs, str) and theirs in target.relation.columns:
            differ = _is_number(draft.relation, column) and not _is_number(target.relation, theirs)
            referred = next(iter(target.relation.key), None) if differ else theirs
        if referred is None or referred == theirs or not isinstance(theirs, str) or target.relation is draft.relation:
            return column
        join = f"{column} -> {target.relation.name}.{referred}"
        if join not in draft.joins:
            draft.joins.append(join)
        return f"{target.relation.name}.{theirs}"

    def _is_link(self, relation: Relation, column: str) -> bool:
        return any(key.columns == (column,) for key in relation.foreign_keys)

    def _add_administrators(self) -> None:
        """Make administrators of those who have a role with an administrator's name."""
        users = self._drafts.get("users")
        if users is None or "is_admin" in users.columns:
            return
        for relation in self._catalog.relations():
            targets = {key.table: key for key in relation.foreign_keys if len(key.columns) == 1}
            to_user = next((key for key in targets.values() if self._catalog.get(key.table) is users.relation), None)
            roles = [self._catalog.get(table) for table in targets if re.search("roles?$|groups?$", table)]
            if to_user is None or not roles or roles[0] is None:
                continue
            name = self._first(roles[0], ("name", "role", "slug"))
            if name is None:
                continue
            column = roles[0].clause.c[name]
            known = [one for one in self._connection.execute(sa.select(column)).scalars() if isinstance(one, str)]
            to_role = targets[next(table for table in targets if self._catalog.get(table) is roles[0])]
            draft = _Draft(ADMINISTRATORS, relation, columns={"user_id": to_user.columns[0]})
            draft.joins = [f"{to_role.columns[0]} -> {roles[0].name}.{to_role.their_columns[0]}"]
            admins = [one for one in known if one.lower() in ADMIN_ROLES]
            draft.where = {f"{roles[0].name}.{name}": admins[0] if len(admins) == 1 else admins}
            if admins:
                self._drafts[ADMINISTRATORS] = draft
            else:
                users.notes.append(f"no role is called admin; there are {', '.join(sorted(known)[:10])}")
            return

    # The text

    def text(self) -> str:
        """Return the map."""
        parts = [_HEAD]
        parts += [self._section(self._drafts[name]) for name in SECTIONS if name in self._drafts]
        used = {draft.relation.name for draft in self._drafts.values()}
        used |= {
            join.partition("->")[2].strip().rpartition(".")[0] for one in self._drafts.values() for join in one.joins
        }
        if left := [name for name in self._catalog.names if name not in used]:
            parts.append(f"# Tables not moved: {', '.join(left)}.\n")
        missing = [name for name in ("users", "packages", "releases") if name not in self._drafts]
        if missing:
            parts.append(
                f'# No table looks like {" or ".join(missing)}. Where there is one: [{missing[0]}] and table = "...".\n'
            )
        return "\n".join(parts)

    def _section(self, draft: _Draft) -> str:
        lines = [f"[{draft.name}]"]
        if draft.relation.name != draft.name:
            lines.append(f"table = {_toml(draft.relation.name)}")
        if draft.joins:
            lines.append(f"joins = {_toml(draft.joins)}")
        lines += [f"where.{_key(column)} = {_toml(wanted)}" for column, wanted in draft.where.items()]
        if draft.newest_by:
            lines.append(f"newest_by = {_toml(draft.newest_by)}")
        columns = [(name, draft.columns[name]) for name in SECTIONS[draft.name] if name in draft.columns]
        lines += [f"columns.{name} = {_toml(said)}" for name, said in columns if said != name or draft.newest_by]
        if same := [name for name, said in columns if said == name and not draft.newest_by]:
            lines.append(f"# Same names: {', '.join(same)}.")
        if draft.name != ADMINISTRATORS and not draft.newest_by:
            others = {
                column for one in self._drafts.values() if one.relation is draft.relation for column in one.used()
            }
            if unused := [column for column in draft.relation.columns if column not in others]:
                lines.append(f"# Not moved: {', '.join(unused)}.")
        return "\n".join([*lines, *(f"# {note}" for note in draft.notes), ""])


def _plain(name: str) -> str:
    """Return a column's name without differences in spelling: "createdAt" and "created_at" are the same."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _is_number(relation: Relation, column: str) -> bool:
    return isinstance(relation.columns.get(column), _NUMBER)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _toml(name)


def _toml(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    # A basic string of TOML is one of JSON, but for DEL.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
