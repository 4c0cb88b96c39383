"""The tables of docs/publishing.md: a line for each client, a column for each ability."""

from collections.abc import Mapping

from tests.clients import auditing, locking, matrix

Key = tuple[str, str, str]  # the table's heading, the line, the column

# What the tables say if everything works.
EXPECTED: dict[Key, str] = {cell: matrix.word(cell) for cell in matrix.CELLS}
EXPECTED |= dict.fromkeys([*locking.CELLS, *auditing.AUDITS], "yes")


def of_outcomes(outcomes: Mapping[Key, set[str]]) -> str:
    """The tables of what was tried. A cell says NO if it failed on one of the sites."""
    return of_words(
        {key: EXPECTED[key] if outcomes[key] == {"passed"} else "NO" for key in EXPECTED if key in outcomes}
    )


def of_words(words: Mapping[Key, str]) -> str:
    return "\n\n".join(_table(heading, words) for heading in dict.fromkeys(heading for heading, _, _ in words))


def _table(heading: str, words: Mapping[Key, str]) -> str:
    cells = {(line, column): word for (its, line, column), word in words.items() if its == heading}
    columns = list(dict.fromkeys(column for _, column in cells))
    lines = [f"| {heading} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for line in dict.fromkeys(line for line, _ in cells):
        row = [line, *(cells.get((line, column), "-") for column in columns)]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines).replace("==", " ")
