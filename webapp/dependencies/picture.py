"""A picture of what a release needs and what needs it: columns from left to right, each project once."""

from typing import NamedTuple

from webapp.dependencies.needs import CYCLE
from webapp.documents.base import Plain

# So many projects are drawn on each side, and in each column.
MAX_SIDE, MAX_COLUMN = 60, 14
WIDTH, HEIGHT, GAP, ROW = 170, 26, 60, 36
MAX_LABEL = 22
# A line back runs so far beside the one that leads on.
BESIDE = 7


class Box(NamedTuple):
    """A project in the picture."""

    label: str
    title: str
    kind: str  # "root", "here", "elsewhere", "missing" or "user"
    is_advised: bool
    x: int
    y: int


class Picture(NamedTuple):
    """What the template draws."""

    width: int
    height: int
    boxes: list[Plain]
    lines: list[Plain]  # {path, is_cycle}
    left_out: int


class _Side:
    """The columns of one side of the root: each project in the column of its shortest way."""

    def __init__(self, children: list[Plain], root: str) -> None:
        self.columns: list[list[Plain]] = []
        self.lines: dict[tuple[str, str], bool] = {}  # from and to; and whether that closes a cycle
        missing: set[str] = set()
        placed, level = {root}, [(root, child) for child in children]
        while level:
            column: list[Plain] = []
            following: list[tuple[str, Plain]] = []
            for parent, node in level:
                if node["id"] not in placed:
                    if len(column) == MAX_COLUMN or len(placed) > MAX_SIDE:
                        missing.add(node["id"])
                        continue
                    placed.add(node["id"])
                    column.append(node)
                self.lines.setdefault((parent, node["id"]), node.get("seen") == CYCLE)
                following += [(node["id"], child) for child in node["children"]]
            if column:
                self.columns.append(column)
            level = following
        self.left_out = len(missing - placed)


def picture_of(name: str, normalized_name: str, needs: list[Plain], users: list[Plain]) -> Plain | None:
    """Return a picture, or None if there is nothing to draw."""
    if not needs and not users:
        return None
    left, right = _Side(users, normalized_name), _Side(needs, normalized_name)
    columns = [*reversed(left.columns), [{"id": normalized_name, "name": name, "place": "root"}], *right.columns]
    middle = len(left.columns)
    height = max(len(column) for column in columns) * ROW
    boxes: list[Box] = []
    places: dict[tuple[bool, str], tuple[int, int]] = {}
    for number, column in enumerate(columns):
        top = (height - len(column) * ROW) // 2 + (ROW - HEIGHT) // 2
        for row, node in enumerate(column):
            box = _box(node, number * (WIDTH + GAP) + 1, top + row * ROW)
            boxes.append(box)
            # Something that needs the release may be needed by it, too: then it stands on both sides.
            places[number < middle, node["id"]] = (box.x, box.y)
        if number == middle:
            places[True, normalized_name] = places[False, normalized_name] = (boxes[-1].x, boxes[-1].y)
    lines = [_line(places[True, user], places[True, used], is_cycle=False) for used, user in left.lines]
    lines += [
        _line(places[False, parent], places[False, child], is_cycle=is_cycle)
        for (parent, child), is_cycle in right.lines.items()
    ]
    width = len(columns) * (WIDTH + GAP) - GAP // 2
    drawn = [box._asdict() for box in boxes]
    return Picture(width, height, drawn, lines, left.left_out + right.left_out)._asdict()


def _box(node: Plain, x: int, y: int) -> Box:
    title = " ".join(filter(None, (node.get("name") or node["id"], node.get("version"))))
    label = title if len(title) <= MAX_LABEL else f"{title[: MAX_LABEL - 1]}…"
    return Box(label, title, node.get("place", "user"), bool(node.get("advised")), x, y)


def _line(start: tuple[int, int], end: tuple[int, int], *, is_cycle: bool) -> Plain:
    """Return a curve from one box to another: to the next columns, back to those before, or around to the same one."""
    y1, y2, bend = start[1] + HEIGHT // 2, end[1] + HEIGHT // 2, GAP // 2
    if end[0] > start[0]:
        x1, x2, out, back = start[0] + WIDTH, end[0], bend, -bend
    elif end[0] < start[0]:
        x1, x2, out, back = start[0], end[0] + WIDTH, -bend, bend
        y1, y2 = y1 + BESIDE, y2 + BESIDE
    else:
        x1, x2, out, back = start[0] + WIDTH, end[0] + WIDTH, bend, bend
    return {"path": f"M{x1} {y1}C{x1 + out} {y1} {x2 + back} {y2} {x2} {y2}", "is_cycle": is_cycle}
