"""What an application makes once and its requests use: caches, limits, threads."""

from typing import Generic, TypeVar

from flask import current_app
from flask.sansio.app import App

T = TypeVar("T")


class PerApp(Generic[T]):
    """A value of each application, with its type, kept in `app.extensions` under one name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def set(self, app: App, value: T) -> None:
        """Keep the value of an application."""
        app.extensions[self._name] = value

    def of(self, app: App) -> T:
        """Return the value of an application. Raises KeyError if it has none."""
        value: T = app.extensions[self._name]
        return value

    def __call__(self) -> T:
        """Return the value of the current application."""
        return self.of(current_app)
