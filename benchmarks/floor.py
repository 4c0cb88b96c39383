"""What every figure is compared with: views that do the least, on the same server with the same settings."""

import os
from typing import Any

from flask import Flask, Response, request, send_file
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


@app.post("/form")
def form() -> str:
    """Take a form with a file, and look at nothing of it."""
    return str(len(request.files))


@app.get("/file")
def file() -> Response:
    """Answer the file of which the environment tells, from the disk."""
    return send_file(os.environ["FLOOR_FILE"], mimetype="application/octet-stream", etag=False)
