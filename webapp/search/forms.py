"""The search form."""

from flask import abort
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import SearchField
from wtforms.validators import Length

from webapp.rules.license_names import license_name
from webapp.search.terms import Filters

MAX_QUERY_LENGTH = 1000
# Filters of one kind; more of them would find nothing.
MAX_FILTERS = 10
MAX_FILTER_LENGTH = 200


def _plain(text: str | None) -> str:
    return (text or "").replace("\0", " ").strip()


class SearchForm(FlaskForm):
    """The query. The form is sent with GET and changes nothing, so it needs no CSRF token."""

    class Meta:
        """Settings of WTForms."""

        csrf = False

    q = SearchField("Search projects", filters=[_plain], validators=[Length(max=MAX_QUERY_LENGTH)])


def filters_of(arguments: MultiDict[str, str]) -> Filters:
    """Return the filters in an address. Too many of a kind, or one that is too long, answer 413."""
    kinds = {kind: _values(arguments, kind) for kind in ("license", "classifier", "language")}
    return Filters(
        license=license_name(next(iter(kinds["license"]), "")),
        classifiers=kinds["classifier"],
        languages=kinds["language"],
        recent=arguments.get("recent", "") == "1",
    )


def _values(arguments: MultiDict[str, str], kind: str) -> tuple[str, ...]:
    values = tuple(dict.fromkeys(value for text in arguments.getlist(kind) if (value := _plain(text))))
    if len(values) > MAX_FILTERS or any(len(value) > MAX_FILTER_LENGTH for value in values):
        abort(413, f"Use at most {MAX_FILTERS} filters of each kind, with up to {MAX_FILTER_LENGTH} characters each.")
    return values
