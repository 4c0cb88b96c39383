"""A site whose clock is wrong for a while."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest

from webapp.documents import base


@contextmanager
def clock_ahead(by: timedelta = timedelta(days=1)) -> Iterator[None]:
    """Let the dates that the site writes be ahead; afterwards its clock is right."""
    right = base.utc_now

    def wrong() -> datetime:
        return right() + by

    with pytest.MonkeyPatch.context() as patched:
        for module in list(sys.modules.values()):
            if getattr(module, "utc_now", None) is right:
                patched.setattr(module, "utc_now", wrong)
        yield
