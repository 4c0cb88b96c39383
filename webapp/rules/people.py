"""The authors of a release, from the metadata's Author, Author-email, Maintainer and Maintainer-email.

An email field contains addresses as in the header of a mail: "Ada <ada@example.org>, bob@example.org". Since PEP 621 it
also has the names of everybody who has an address.

Sources: the core metadata specification, RFC 5322 (addresses), RFC 2047 (encoded words).
"""

import re
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.utils import getaddresses
from functools import lru_cache
from typing import NamedTuple

# Longer fields, and nested comments, are not names: they are shown unchanged.
MAX_LENGTH = 4000
MAX_COMMENTS = 20


class Person(NamedTuple):
    """A person with a name, an address, or both."""

    name: str
    address: str

    @property
    def shown(self) -> str:
        """The name, or the address if there is no name."""
        return self.name or self.address


@lru_cache(maxsize=2000)
def people(names: str | None, addresses: str | None) -> tuple[Person, ...]:
    """Return the people in a pair of fields: Author and Author-email, or Maintainer and Maintainer-email."""
    name, written = decoded(names or "").strip(), (addresses or "").strip()
    found = _addressed(written)
    if not name:
        return tuple(found)
    if any(name == each.name for each in found):
        return tuple(found)
    unnamed = [each for each in found if not each.name]
    if len(found) == len(unnamed) == 1:
        return (Person(name, found[0].address),)
    apart = [each.strip() for each in re.split(r",|;| and | & ", name) if each.strip()]
    if len(found) == len(unnamed) == len(apart) > 1:
        return tuple(Person(each, one.address) for each, one in zip(apart, found, strict=True))
    named = {each.name for each in found}
    if len(apart) > 1 and all(each in named for each in apart):
        return tuple(found)
    return (Person(name, ""), *found)


def joined_names(names: str | None, addresses: str | None) -> str:
    """Return the text of a name field or, without one, the names next to the addresses, if each has one."""
    if names:
        return names
    found = people("", addresses)
    return ", ".join(each.name for each in found) if all(each.name for each in found) else ""


def decoded(text: str) -> str:
    """Return a text with its encoded words decoded: "=?utf-8?q?Jo=C3=A3o?=" -> "João"."""
    if "=?" not in text:
        return text
    try:
        return str(make_header(decode_header(text)))
    except (HeaderParseError, LookupError, UnicodeError, ValueError):
        return text


def _addressed(written: str) -> list[Person]:
    if not written:
        return []
    if len(written) > MAX_LENGTH or written.count("(") > MAX_COMMENTS or written.count("[") > MAX_COMMENTS:
        return [Person("", written)]
    # Some people separate two addresses with a semicolon, as mail programs do.
    parts = re.sub(r"(?<=[\w>])\s*;\s*", ", ", written)
    found = [Person(decoded(name).strip(), address.strip()) for name, address in getaddresses([parts])]
    found = [each for each in found if each.name or each.address]
    if not found or any("@" not in each.address for each in found):
        return _without_signs(written)
    return list(dict.fromkeys(found))


def _without_signs(written: str) -> list[Person]:
    """Return the people in a field that is not an address list: "ada at example dot org", "Ada, ada@example.org"."""
    found = []
    for part in filter(str.strip, written.split(",")):
        name, sign, address = part.rpartition("<")
        if sign:
            found.append(Person(decoded(name).strip(' "'), address.strip(" >")))
        else:
            found.append(Person("", decoded(part).strip()))
    return list(dict.fromkeys(found))
