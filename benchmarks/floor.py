"""What every figure is compared with: a bare Flask view, and one with a single `find_one`, on the same server."""

import os
from typing import Any

from flask import Flask
from pymongo import MongoClient

app = Flask(__name__)
client: MongoClient[dict[str, Any]] = MongoClient(os.environ["MONGODB_URI"], connect=False, tz_aware=True)
packages = client.get_default_database()["packages"]


@app.get("/bare")
def bare() -> str:
    """Answer without a look at anything."""
    return "hello"


@app.get("/find-one")
def find_one() -> str:
    """Answer one field of one small document, found by its key."""
    found = packages.find_one({"_id": "click"}, {"summary": 1})
    return found["summary"] if found else ""
