"""The journal of a project as sentences: what its members did, with people and versions."""

from typing import Any

# What an entry says, by its action. Versions, files and notes are put in where the sentence names them.
SENTENCES = {
    "new project": "Created the project with {file}.",
    "new release": "Published {version} with {file}.",
    "new file": "Added {file} to {version}.",
    "yank release": "Yanked {version}.",
    "unyank release": "Undid the yank of {version}.",
    "remove release": "Deleted {version}.",
    "remove file": "Deleted {file} of {version}.",
    "remove project": "Deleted the project.",
    "import": "Imported the project.",
    "describe": "Rendered the description again.",
    "change signers": "Changed who has to sign new files.",
    "add publisher": "Let {note} publish.",
    "remove publisher": "Ended publishing by {note}.",
    "accept publishers only": "Closed the project to uploads with API tokens.",
    "accept tokens too": "Opened the project to uploads with API tokens again.",
    "demand sessions": "Required publishing sessions for new files.",
    "demand review": "Required an owner other than the uploader to publish each release.",
    "accept direct uploads": "Accepted direct uploads of new files again.",
    "change readers": "Changed who may read the project.",
    "end quarantine": "Ended the quarantine.",
    "transfer": "Made {note} the only owner.",
    "revoke invitation": "Revoked an invitation.",
    "decline invitation": "Declined an invitation.",
}
# The first word of an action, the second being a role or a status.
VERBS = {
    "add": "Made {note} {a} {word}.",
    "make": "Made {note} {a} {word}.",
    "remove": "Removed {note}, {a} {word}.",
    "invite": "Invited somebody as {a} {word}.",
    "mark": "Marked the project as {word}.",
}
# Their sentences name what the note says. The notes of all other actions stand beside theirs: the reason of a yank.
_NAMES_THE_NOTE = "{note}"


def sentence_of(entry: dict[str, Any]) -> tuple[str, str]:
    """Return what a journal entry says in the past tense, and its note, unless the sentence contains it."""
    action, note = entry.get("action") or "", entry.get("note") or ""
    verb, _, word = action.partition(" ")
    pattern = SENTENCES.get(action) or (VERBS.get(verb) if word else None)
    if pattern is None:
        return action.capitalize() or "Did something unknown.", note
    told = {
        "version": entry.get("version") or "a release",
        "file": entry.get("filename") or "a file",
        "note": note or "somebody",
        "word": word,
        "a": "an" if word.startswith(("o", "a")) else "a",
    }
    if word.startswith("team "):
        told |= {"word": word.removeprefix("team "), "note": f"the team {told['note']}"}
        told["a"] = "an" if told["word"].startswith("o") else "a"
    return pattern.format(**told), "" if _NAMES_THE_NOTE in pattern else note
