"""What a check finds, and what a repair does about it."""

import pytest
from flask.testing import FlaskCliRunner

from webapp.documents import User

pytestmark = pytest.mark.real_server


def test_what_the_site_wrote_itself_keeps_the_rules(site_in_order: User, runner: FlaskCliRunner) -> None:
    result = runner.invoke(args=["db", "check"])

    assert (result.exit_code, result.output) == (0, "No findings.\n")
