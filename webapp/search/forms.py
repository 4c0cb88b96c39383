"""The form that finds projects."""

from flask_wtf import FlaskForm
from wtforms import SearchField
from wtforms.validators import Length

MAX_QUERY_LENGTH = 1000


class SearchForm(FlaskForm):
    """One field. It is sent with GET and changes nothing, so it needs no token."""

    class Meta:
        """Settings of WTForms."""

        csrf = False

    q = SearchField(
        "Search projects",
        filters=[lambda text: (text or "").replace("\0", " ").strip()],
        validators=[Length(max=MAX_QUERY_LENGTH)],
    )
