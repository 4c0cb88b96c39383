"""Does the time of a failed sign-in tell whether an account exists? `python -m benchmarks.sign_in_time`.

An address without an account, one whose hash is argon2, those whose hashes other sites made at their present cost, one
whose hash is weak, and one whose account is disabled get wrong passwords in turn, at the cost that production has. The
median of the differences within a round, between the first two and each of the others, is compared with what chance
alone makes of it: in each round the two change places or do not, many times over, and the games with a median at least
as large are counted (a permutation test). Below 1 in 100 of them would mean that the time does tell.

The request is the whole one: form, token, limits, hashes, audit log. The floor is the hashes alone.
"""

import itertools
import os
import random
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.security import generate_password_hash

from config import Config, TestingConfig
from webapp import create_app
from webapp.documents import DOCUMENTS, User, ensure_indexes
from webapp.members import passwords
from webapp.mongodb import embedded

ROUNDS = 80
WARMUP = 4
GAMES = 4000
# What other software makes in 2026: Django 5.2, bcrypt 5, passlib 1.7.4 and Werkzeug 3.1, each with its own defaults.
SCHEMES = {
    "sha512_crypt": {"rounds": 171_204},
    "django_pbkdf2_sha256": {"rounds": 1_000_000},
    "django_bcrypt_sha256": {"rounds": 12},
    "bcrypt": {"rounds": 12},
    "pbkdf2_sha512": {},
    "sha256_crypt": {},
    "hex_md5": {},
}
PEOPLE = ("nobody", "argon2", *SCHEMES, "werkzeug", "disabled")
FLOOR = "one argon2 hash alone"


class TimedConfig(TestingConfig):
    """Hashes cost what they cost in production, and failures are not limited."""

    PASSWORD_MEMORY_KIB = Config.PASSWORD_MEMORY_KIB
    PASSWORD_PASSES = Config.PASSWORD_PASSES
    FAILED_SIGN_IN_MS = Config.FAILED_SIGN_IN_MS
    SIGN_IN_FAILURES = "1000000/second"
    LOG_LEVEL = "WARNING"


def main() -> None:
    """Measure, and print what was found."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        uri = embedded.acquire(Path(folder) / "mongodb")
        app = create_app(type("BenchmarkConfig", (TimedConfig,), {"MONGODB_URI": uri}))
        with app.app_context():
            _fill(app)
        times = _measure(app, rounds)
        embedded.release()
    print(f"{rounds} rounds; load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for person in (FLOOR, *PEOPLE):
        spread = statistics.quantiles(times[person], n=20)
        median = statistics.median(times[person])
        print(f"{person:<22} median {median:7.1f} ms   5-95% {spread[0]:.1f}-{spread[-1]:.1f} ms")
    for one, other in itertools.product(("nobody", "argon2"), PEOPLE):
        if PEOPLE.index(one) >= PEOPLE.index(other):
            continue
        differences = [first - second for first, second in zip(times[one], times[other], strict=True)]
        chance = _by_chance(differences)
        print(
            f"{one:<22} - {other:<22} {statistics.median(differences):+6.1f} ms, by chance in {chance:.3f} of the games"
        )


def _fill(app: Flask) -> None:
    ensure_indexes(DOCUMENTS)
    context = app.extensions["passwords"]
    hashes = {name: context.handler(name) for name in SCHEMES}
    hashes = {
        name: (one.using(**SCHEMES[name]) if SCHEMES[name] else one).hash("not this") for name, one in hashes.items()
    }
    hashes |= {"werkzeug": generate_password_hash("not this"), "argon2": passwords.hash_password("not this")}
    for name, hashed in hashes.items():
        User(email=f"{name}@example.org", hashed_password=hashed).save()
    User(email="disabled@example.org", hashed_password=hashes["argon2"], is_disabled=True).save()


def _measure(app: Flask, rounds: int) -> dict[str, list[float]]:
    client = app.test_client()
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/account/login").text)
    token = found[1] if found else ""
    times: dict[str, list[float]] = {person: [] for person in (FLOOR, *PEOPLE)}
    for number in range(WARMUP + rounds):
        # Each time in another order, so that none always comes after the same other one.
        for person in random.sample(list(times), len(times)):
            milliseconds = _hash(app) if person == FLOOR else _fail(client, token, person)
            if number >= WARMUP:
                times[person].append(milliseconds)
    return times


def _hash(app: Flask) -> float:
    with app.app_context():
        started = time.perf_counter()
        passwords.check(None, "a wrong password")
        return (time.perf_counter() - started) * 1000


def _fail(client: FlaskClient, token: str, person: str) -> float:
    fields = {"csrf_token": token, "email": f"{person}@example.org", "password": "a wrong password"}
    started = time.perf_counter()
    response = client.post("/account/login", data=fields)
    passed = (time.perf_counter() - started) * 1000
    if response.status_code != 400:
        raise SystemExit(f"{person}: answered {response.status}")
    return passed


def _by_chance(differences: list[float]) -> float:
    found = abs(statistics.median(differences))
    games = (abs(statistics.median(random.choice((-1, 1)) * each for each in differences)) for _ in range(GAMES))
    return sum(game >= found for game in games) / GAMES


if __name__ == "__main__":
    main()
