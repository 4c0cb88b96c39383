"""The blueprint of the API and the pages."""

from flask import Blueprint

bp = Blueprint("advisories", __name__)
