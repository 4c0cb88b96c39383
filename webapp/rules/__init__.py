"""The rules of packaging and of text, as pure functions: no Flask, no MongoDB."""
