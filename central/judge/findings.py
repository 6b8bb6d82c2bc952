"""One thing that went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

What = Literal["wrong_person", "without_consent", "after_leaving", "private", "frozen", "missed", "unreadable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """When (scenario's seconds), on which screen, and a sentence without a name."""

    what: What
    at: float
    screen: str
    said: str
