"""Tests of members begin as those of accounts do: without counted attempts and without mails."""

from tests.accounts.conftest import _nothing_counted, visitor

__all__ = ["_nothing_counted", "visitor"]
