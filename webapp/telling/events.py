"""What others are told of: the changes in the journal, in the words of webhooks.

Each entry of the journal is written with `is_untold`, in the same write, so no event is lost when a process is killed.
"""

from datetime import datetime
from typing import Any, NamedTuple

from webapp.documents.base import Plain
from webapp.documents.webhook import DELETION, RELEASE, ROLE, STATUS, YANK
from webapp.members import mails


class Event(NamedTuple):
    """Something that happened to a project.

    `key` identifies it: whoever was told of it is not told again. `data` is what a webhook's message says. Some events
    are only for the webhooks of the site, or only for those of the project and those who watch it. `way` names other
    projects that it tells of, so it is only for those who may read them.
    """

    key: str
    type: str
    kind: str
    project: str
    at: datetime
    data: Plain
    is_for_site: bool = True
    is_for_project: bool = True
    way: tuple[str, ...] = ()


_ACTIONS = {
    "new project": ("release.published", RELEASE),
    "new release": ("release.published", RELEASE),
    "new file": ("release.file_added", RELEASE),
    "import": ("project.imported", RELEASE),
    "yank release": ("release.yanked", YANK),
    "unyank release": ("release.unyanked", YANK),
    "remove file": ("release.file_deleted", DELETION),
    "remove release": ("release.deleted", DELETION),
    "remove project": ("project.deleted", DELETION),
    "transfer": ("role.changed", ROLE),
    "add publisher": ("publisher.added", ROLE),
    "remove publisher": ("publisher.removed", ROLE),
    "end quarantine": ("project.quarantine_ended", STATUS),
}
# "mark archived", "add owner" and so on: the second word is the status or the role.
_VERBS = {
    "mark": ("project.status_changed", STATUS, "status"),
    "add": ("role.added", ROLE, "role"),
    "make": ("role.changed", ROLE, "role"),
    "remove": ("role.removed", ROLE, "role"),
}


def event_of(entry: Plain) -> Event | None:
    """Return what others are told of a journal entry; None if nobody is, as of invitations.

    Needs a request context, for the link to the project. Nobody is told of an entry whose date an edit by hand took
    away, instead of nobody being told anything from then on.
    """
    action, project = entry.get("action", ""), entry.get("package", "")
    if "at" not in entry:
        return None
    said: Plain = {}
    if action in _ACTIONS:
        event_type, kind = _ACTIONS[action]
    else:
        verb, _, word = action.partition(" ")
        if verb not in _VERBS:
            return None
        event_type, kind, what = _VERBS[verb]
        said[what] = word.removeprefix("team ")
    said |= {name: entry[name] for name in ("version", "filename") if name in entry}
    if "note" in entry:
        said[_subject_of(action, kind)] = entry["note"].removeprefix("published by ")
    return Event(str(entry["serial"]), event_type, kind, project, entry["at"], data_of(project, said, entry))


def _subject_of(action: str, kind: str) -> str:
    """Return what the note of an entry is: who got a role, which pipeline publishes, or a reason."""
    if action.endswith(" publisher") or action.startswith("new "):
        return "publisher"
    if kind != ROLE:
        return "reason"
    return "team" if " team " in action else "person"


def data_of(project: str, said: Plain, entry: Plain) -> Plain:
    """Return the data of a message about a project: its name, what is said, who did it, and its page."""
    data: dict[str, Any] = {"project": project, **said}
    if "actor_name" in entry:
        data["by"] = entry["actor_name"]
    if link := mails.link_to("packages.project", name=project, version=said.get("version")):
        data["url"] = link
    return data
