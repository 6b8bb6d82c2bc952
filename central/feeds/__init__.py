"""Gives stores what they need, and only that: rows by scope, pulled page by page."""
