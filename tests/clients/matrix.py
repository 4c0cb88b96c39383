"""Which client is tried with which ability."""

from tests.clients import abilities, publishing
from tests.clients.abilities import Ability
from tests.clients.programs import PIP, UV
from tests.clients.publishing import PUBLISH, REASONS, STATUS, THROUGH_SESSION, WITH_KEYRING

INSTALLS: dict[str, Ability] = {
    "install": abilities.install,
    "yanked if named": abilities.install_yanked,
    "sdist": abilities.build,
    "hashes": abilities.check_hashes,
    "token": abilities.token,
    "netrc": abilities.netrc,
}
KEYRING: dict[str, Ability] = {"keyring": abilities.keyring}
PROMPT: dict[str, Ability] = {"prompt": abilities.prompt}
FIND: dict[str, Ability] = {"find": abilities.find}
METADATA: dict[str, Ability] = {"metadata alone": abilities.read_metadata}
LOCK: dict[str, Ability] = {"lock": abilities.lock}
INSTALLERS: dict[str, dict[str, Ability]] = {
    PIP: FIND | INSTALLS | KEYRING | PROMPT | METADATA | LOCK,
    "pip==24.0": FIND | INSTALLS | KEYRING | PROMPT | METADATA,
    "pip==21.3": FIND | INSTALLS | KEYRING | PROMPT,
    "pip==20.3": INSTALLS | KEYRING | PROMPT,
    UV: INSTALLS | KEYRING | PROMPT | METADATA | LOCK,
    "poetry==2.5.1": INSTALLS | METADATA | LOCK,
    "pdm==2.29.4": INSTALLS | KEYRING | METADATA | LOCK,
    "pipenv==2026.10.3": INSTALLS | METADATA | LOCK,
    "pip-tools==7.6.2": INSTALLS | KEYRING | METADATA | LOCK,
    "pypi-simple==1.8.0": {
        "find": abilities.find_with_pypi_simple,
        "hashes": abilities.check_hashes_with_pypi_simple,
        "metadata alone": abilities.read_metadata_with_pypi_simple,
    },
    "johnnydep==2.1.1": {"find": abilities.find_with_johnnydep},
}
PUBLISHERS: dict[str, dict[str, Ability]] = {
    "twine==7.0.0": PUBLISH | WITH_KEYRING | THROUGH_SESSION | REASONS,
    "twine==4.0.2": PUBLISH | WITH_KEYRING | THROUGH_SESSION | REASONS,
    UV: PUBLISH | WITH_KEYRING | THROUGH_SESSION | REASONS,
    "poetry==2.5.1": PUBLISH | THROUGH_SESSION | REASONS,
    "pdm==2.29.4": PUBLISH | WITH_KEYRING | THROUGH_SESSION | STATUS,
    "hatch==1.18.2": PUBLISH | WITH_KEYRING | THROUGH_SESSION | STATUS,
    "flit==4.2.0": PUBLISH | WITH_KEYRING | THROUGH_SESSION | STATUS,
}
# What to try, under the heading of the table, the client and the column.
CELLS: dict[tuple[str, str, str], Ability] = {
    (heading, client, ability): try_it
    for heading, clients in (("Installing", INSTALLERS), ("Publishing", PUBLISHERS))
    for client, its in clients.items()
    for ability, try_it in its.items()
}
# A public site asks no installer who it is.
FOR_MEMBERS = {abilities.token, abilities.netrc, abilities.keyring, abilities.prompt}
# What stands in the table beside "yes", or instead of it.
WORDS: dict[Ability, str] = dict.fromkeys(publishing.STATUS.values(), "only the status")
NOTES = {
    ("Installing", "pip==21.3", "keyring"): 1,
    ("Installing", "pdm==2.29.4", "install"): 3,
    ("Publishing", "twine==4.0.2", "token"): 2,
}


def word(cell: tuple[str, str, str]) -> str:
    """What the table says if this works."""
    note = f" [{NOTES[cell]}]" if cell in NOTES else ""
    return WORDS.get(CELLS[cell], "yes") + note
