import pytest

from webapp.rules.spreadsheets import harmless


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1+1", '=HYPERLINK("http://x")'])
def test_formula_becomes_text(text: str) -> None:
    assert harmless(text) == "'" + text


@pytest.mark.parametrize("text", ["", "Ada", "a=1", "1-2", "'x", "2001:db8::1"])
def test_other_text_stays(text: str) -> None:
    assert harmless(text) == text
