"""The documents of a made-up catalogue: package number 7 of a seed is always the same.

Like PyPI's: a tenth of the projects have most of the releases, the largest has 2,500; more projects are young than old;
half of the names begin as many others do. Source of the proportions: pypi.org's statistics of 2026 (740,000
projects, 8 million versions).
"""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import bson

from benchmarks.catalogue import texts
from webapp.documents.release_facts import DOCUMENT, STATED, description_id_of, key_of
from webapp.documents.search_entry import entry_of, text_words
from webapp.documents.user import object_id_of_sql_id
from webapp.rendering import RENDERER, render_description
from webapp.rules import naming

Document = dict[str, Any]

MOST_RELEASES = 2500
FIRST_DAY = datetime(2006, 1, 1, tzinfo=UTC)
LAST_DAY = datetime(2026, 11, 1, tzinfo=UTC)
SPAN_S = int((LAST_DAY - FIRST_DAY).total_seconds())
# Different descriptions; each is rendered once. Packages share them, so that a catalogue is made at the disk's speed.
DESCRIPTIONS = 400
# So many releases in a row state the same, and so many have the same description. A guess: authors of much-used
# projects edit their README more often, those of most projects never.
UNCHANGED, SAME_DESCRIPTION = 4, 10
# Some packages for each user.
PACKAGES_A_USER = 3
_LICENSES = [(name, classifier) for name, classifier, share in texts.LICENSES for _ in range(share)]
# Two words and a beginning make so many names; coprime steps through them never meet the same one twice. Steps in the
# golden ratio are spread evenly over them, wherever one stops.
_NAMES = len(texts.PREFIXES) * len(texts.NOUNS) ** 2
_GOLDEN = (math.sqrt(5) - 1) / 2


class Catalogue:
    """A made-up catalogue of so many packages."""

    def __init__(self, packages: int, seed: int) -> None:
        self.packages, self.seed = packages, seed
        self.users = max(1, packages // PACKAGES_A_USER)
        self._step = next(step for step in range(int(_NAMES * _GOLDEN), _NAMES) if math.gcd(step, _NAMES) == 1)
        self._versions = list(_versions())
        random = Random(seed)
        self._descriptions = [_description(random) for _ in range(DESCRIPTIONS)]

    def package(self, number: int) -> tuple[Document, Document]:
        """Return the documents of one package: what `packages` and what `search_entries` keep of it."""
        random = Random(self.seed << 40 | number)
        chance = random.random
        name = self.name(number)
        count = MOST_RELEASES if number == 0 else min(MOST_RELEASES, int(2.1 * chance() ** -(1 / 1.2)))
        created = SPAN_S - int(SPAN_S * chance() ** 1.5)  # more of them are young
        lasting = int((SPAN_S - created) * chance()) + 1
        license_id, license_classifier = _LICENSES[int(chance() * len(_LICENSES))]
        author = int(chance() ** 3 * self.users)
        text, html, words = self._descriptions[int(chance() ** 1.5 * DESCRIPTIONS)]
        releases = self._releases(name, count, created, lasting, random)
        newest = releases[0]
        first = FIRST_DAY + timedelta(seconds=created)
        normalized = naming.normalize_name(name)
        document = {
            "_id": normalized,
            "name": name,
            "summary": _summary(chance, name),
            "description": text,
            "description_content_type": "text/markdown",
            "description_html": html,
            "description_renderer": RENDERER,
            "description_id": description_id_of(text, "text/markdown"),
            "home_page": f"https://github.com/example/{normalized}",
            "author_name": self._person(author),
            "author_email": f"user{author}@example.org",
            "license": license_id,
            "license_id": license_id,
            "keywords": [_pick(texts.NOUNS, chance()) for _ in range(int(chance() * 5))],
            "classifiers": _classifiers(chance, license_classifier),
            "requires_python": ">=3.8",
            "created_date": first,
            "updated_date": newest["created_date"],
            "maintainers": self._maintainers(chance),
            "latest": {key: newest[key] for key in ("version", "created_date", "size")},
            "newest_release": {key: newest[key] for key in ("version", "created_date")},
            "release_count": count,
            "releases": releases,
        }
        return document, entry_of(document, words)

    def facts(self, package: Document) -> tuple[list[Document], list[Document]]:
        """Return what each release of a package states, and the descriptions that only older ones of them have."""
        normalized, released_at = package["_id"], package["updated_date"]
        shared = {"name": package["name"]} | {name: package[name] for name in STATED if package.get(name)}
        facts, texts_of_older = [], {}
        stated, description_id = shared, package["description_id"]
        for age, release in enumerate(package["releases"]):
            if age and age % UNCHANGED == 0:
                # An older release states fewer of the classifiers that the newest one has.
                kept = max(4, len(shared["classifiers"]) - age // UNCHANGED)
                summary = f"{shared['summary']}, {age // UNCHANGED} changes ago"
                stated = shared | {"summary": summary, "classifiers": shared["classifiers"][:kept]}
            if age and age % SAME_DESCRIPTION == 0:
                text, html, _ = self._descriptions[(len(package["description"]) + age) % DESCRIPTIONS]
                description_id = description_id_of(text, "text/markdown") or ""
                if description_id != package["description_id"]:
                    texts_of_older[description_id] = {
                        "_id": key_of(normalized, description_id),
                        "text": text,
                        "content_type": "text/markdown",
                        "html": html,
                        "renderer": RENDERER,
                    }
            own = {"_id": key_of(normalized, release["version"]), **stated, "description_id": description_id}
            facts.append(own | {"source": DOCUMENT, "as_of": bson.Int64(1), "stated_at": released_at})
        return facts, list(texts_of_older.values())

    def name(self, number: int) -> str:
        """Return the name of one package; no other one of the catalogue has it."""
        round_, place = divmod(number, _NAMES)
        place = (place * self._step + self.seed) % _NAMES
        place, prefix = divmod(place, len(texts.PREFIXES))
        first, second = divmod(place, len(texts.NOUNS))
        name = f"{texts.PREFIXES[prefix]}{texts.NOUNS[first]}-{texts.NOUNS[second]}"
        # Authors write names as they like.
        name = (name, name, name.replace("-", "_"), name.title())[(number * 7 + first) % 4]
        return f"{name}-{round_ + 1}" if round_ else name

    def user(self, number: int) -> Document:
        """Return the document of one user."""
        name = self._person(number)
        address = f"user{number}@example.org"
        joined = FIRST_DAY + timedelta(seconds=number * 7919 % SPAN_S)
        return {
            "_id": object_id_of_sql_id(number),
            "name": name,
            "username": f"user{number}",
            "email": address,
            "email_folded": address,
            "created_date": joined,
            "is_admin": False,
        }

    def download(self, number: int) -> Document:
        """Return the document of one download."""
        package = naming.normalize_name(self.name(number * 31 % self.packages))
        when = LAST_DAY - timedelta(seconds=number * 104_729 % 31_536_000)
        return {
            "_id": bson.ObjectId(f"{self.seed & 0xFFFFFFFF:08x}{number:016x}"),
            "created_date": when,
            "package": package,
            "version": self._versions[0][0],
            "ip_address": f"192.0.2.{number % 256}",
            "user_agent": "pip/26.0",
        }

    def _person(self, number: int) -> str:
        first, last = texts.FIRST_NAMES, texts.LAST_NAMES
        return f"{first[number % len(first)]} {last[number // len(first) % len(last)]}"

    def _maintainers(self, chance: Any) -> list[Document]:
        number = int(chance() ** 3 * self.users)
        return [{"user_id": object_id_of_sql_id(number), "name": self._person(number), "role": "owner"}]

    def _releases(self, name: str, count: int, created: int, lasting: int, random: Random) -> list[Document]:
        chance, bits = random.random, random.getrandbits
        start = 0 if count > 1000 else int(chance() * 400)
        stem = name.replace("-", "_")
        releases = []
        for place in range(count - 1, -1, -1):
            version, key = self._versions[start + place]
            when = FIRST_DAY + timedelta(seconds=created + lasting * place // count)
            files, total = [], 0
            for kind, ending in _FILES[: 1 + (chance() < 0.5)]:
                filename = f"{stem}-{version}{ending}"
                size = 4000 + bits(17)
                total += size
                digest = f"{bits(256):064x}"
                files.append(
                    {
                        "filename": filename,
                        "url": f"https://files.example.org/packages/{digest[:2]}/{digest[2:4]}/{filename}",
                        "size": bson.Int64(size),
                        "packagetype": kind,
                        "python_version": "source" if kind == "sdist" else "py3",
                        "sha256": digest,
                        "uploaded_at": when,
                        "yanked": False,
                    }
                )
            releases.append(
                {
                    "version": version,
                    "sort_key": key,
                    "created_date": when,
                    "size": bson.Int64(total),
                    "is_prerelease": False,
                    "yanked": False,
                    "file_count": len(files),
                    "files": files,
                }
            )
        return releases


_FILES = (("sdist", ".tar.gz"), ("bdist_wheel", "-py3-none-any.whl"))


def _versions() -> Iterator[tuple[str, str]]:
    """Give so many versions with their sort keys, in rising order."""
    for number in range(MOST_RELEASES + 500):
        version = f"{number // 250}.{number // 10 % 25}.{number % 10}"
        yield version, naming.sort_key(version)


def _pick(words: Any, chance: float) -> str:
    """Return a word; the first ones are chosen far more often, as in any language."""
    word: str = words[int(chance**2 * len(words))]
    return word


def _summary(chance: Any, name: str) -> str:
    noun, technology = _pick(texts.NOUNS, chance()), _pick(texts.TECHNOLOGIES, chance())
    adjective, verb = _pick(texts.ADJECTIVES, chance()), _pick(texts.VERBS, chance())
    kind = int(chance() * 4)
    if kind == 0:
        return f"A {adjective} Python library to {verb} the {noun} of {technology}"
    if kind == 1:
        return f"{adjective.capitalize()} {noun} for {technology}"
    if kind == 2:
        return f"{name}: {verb} {noun} with {technology} in Python"
    return f"Python client for the {technology} {noun} API"


def _classifiers(chance: Any, license_classifier: str) -> list[str]:
    oldest = int(chance() * 10)
    return [
        _pick(texts.STATUSES, chance()),
        license_classifier,
        "Programming Language :: Python",
        "Programming Language :: Python :: 3",
        *texts.PYTHONS[oldest : oldest + 1 + int(chance() * 4)],
        *dict.fromkeys(_pick(texts.TOPICS, chance()) for _ in range(int(chance() * 4))),
    ]


def _description(random: Random) -> tuple[str, str, list[str]]:
    """Return a description, its HTML, and its words. Half of them are shorter than 2 kB, a few have 50 kB."""
    length = min(50_000, int(2000 * random.lognormvariate(0, 0.9)))
    parts = ["# What it does\n"]
    while sum(map(len, parts)) < length:
        filled = random.choice(texts.SENTENCES).format(
            adj=_pick(texts.ADJECTIVES, random.random()).capitalize(),
            verb=_pick(texts.VERBS, random.random()),
            noun=_pick(texts.NOUNS, random.random()),
            noun2=_pick(texts.NOUNS, random.random()),
            noun3=_pick(texts.NOUNS, random.random()),
            tech=_pick(texts.TECHNOLOGIES, random.random()),
        )
        parts.append(filled + ("\n\n" if random.random() < 0.3 else " "))
        if random.random() < 0.04:
            parts.append(f"\n\n## {_pick(texts.NOUNS, random.random()).capitalize()}\n\n    pip install example\n\n")
    text = "".join(parts)
    return text, render_description(text, "text/markdown").html, text_words(text)
