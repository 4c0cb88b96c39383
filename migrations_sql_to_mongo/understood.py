"""Describe how a map is understood for one source, with the first rows of each table as they will be read."""

from typing import Any

from migrations_sql_to_mongo.copying import SECRET
from migrations_sql_to_mongo.errors import BadValue
from migrations_sql_to_mongo.layout import Layout, Taken
from migrations_sql_to_mongo.query import Query
from migrations_sql_to_mongo.row_reader import RowReader
from migrations_sql_to_mongo.rows import Row
from migrations_sql_to_mongo.source import Source
from migrations_sql_to_mongo.tally import HIDDEN
from migrations_sql_to_mongo.values import shown

EXAMPLES = 3
_LONGEST = 40  # characters of a value


def understood(source: Source) -> list[dict[str, Any]]:
    """Return for each table where its rows and columns come from, and the first three rows."""
    return [_table(table, source) for table in source.tables]


def _table(table: str, source: Source) -> dict[str, Any]:
    query, layout = source.queries[table], source.layout
    columns = [name for name in query.columns if name in query.taken]
    reader = RowReader(table, layout, query.columns)
    rows = [_example(row, reader, columns) for row in source.first_rows(table, EXAMPLES)]
    return {
        "table": table,
        "from": query.relation.name,
        "joins": [join.text for join in query.joins],
        "where": [f"{column} {_condition(wanted)}" for column, wanted in query.section.where],
        "newest_by": query.section.newest_by,
        "columns": [
            {"name": name, "from": _origin(query, name, layout), "examples": [row[name] for row in rows]}
            for name in columns
        ],
    }


def _example(row: Row, reader: RowReader, columns: list[str]) -> dict[str, str]:
    try:
        read = reader.read(row, careful=True)
    except BadValue as error:
        return dict.fromkeys(columns, f"rejected: {error}")
    values = dict(zip(reader.names, read.of, strict=True)) | dict(read.more)
    return {name: HIDDEN if name == SECRET and values[name] else _short(values.get(name)) for name in columns}


def _short(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = shown(", ".join(value) if isinstance(value, list) else value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _origin(query: Query, name: str, layout: Layout) -> str:
    taken = query.taken[name]
    if taken.value is not None:
        return f"always {_word(taken.value)}"
    text = " + ".join(taken.columns)
    if taken.prefix:
        text = f'"{taken.prefix}" + {text}'
    if taken.equals or taken.form in ("null", "not null"):
        return f"{text} {_condition(taken)}"
    form = layout.form(query.name, name)
    return {"negated": f"not {text}", None: text}.get(form, f"{text}, {form}")


def _condition(wanted: Taken) -> str:
    if wanted.form:
        return f"is {wanted.form}"
    return "is " + " or ".join(map(_word, wanted.equals))


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else str(value)


def as_lines(tables: list[dict[str, Any]]) -> list[str]:
    """Return it as Markdown: each table with a row for each column, and an example in each column."""
    lines = ["## What the map says", ""]
    for table in tables:
        lines += [f"{table['table']}, from {table['from']}:", ""]
        said = [f"- joined: {text}" for text in table["joins"]]
        said += [f"- only rows whose {text}" for text in table["where"]]
        said += [f"- of the rows with one id, the one with the greatest {table['newest_by']}"] * bool(
            table["newest_by"]
        )
        lines += [*said, ""] if said else []
        rows = [[one["name"], one["from"], *one["examples"]] for one in table["columns"]]
        count = len(rows[0]) - 2 if rows else 0
        heads = ["column", "taken from", *(f"example {number}" for number in range(1, count + 1))]
        rows = [[cell.replace("|", "\\|") for cell in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
        lines += [_line(heads, widths), "|" + "|".join("-" * (width + 2) for width in widths) + "|"]
        lines += [_line(row, widths) for row in rows]
        lines.append("")
    return lines


def _line(cells: list[str], widths: list[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"
