"""What central may ask of an agent, and what an agent says of itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from msgspec import Meta

from central.contract.codec import Count, Id, Time, Word
from central.contract.feeds import Body


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Do this once, before it expires; running it twice is harmless."""

    command: Id
    name: Id
    expires: Time
    body: Body = None
    """What the command's own reader takes; msgspec reads no Raw with a default factory."""

    def __post_init__(self) -> None:
        if self.body is not None and bytes(self.body) == b"null":  # As in a Row.
            object.__setattr__(self, "body", None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    command: Id
    ok: bool
    said: Annotated[str, Meta(max_length=2000)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Retained, and the agent's last will (`online` false): counts by name, never a person."""

    online: bool
    version: Word
    epoch: Id
    boot: Id
    counts: dict[str, Count] = field(default_factory=dict)
    troubles: Annotated[tuple[str, ...], Meta(max_length=50)] = ()
    settings: Id | None = None
    """Which settings of central's it runs with and found good; None: those of its own file."""
    settings_failed: Id | None = None
    """Settings that it tried and went back from."""
    sealing: Literal["disk", "otp", "credential", "central"] | None = None
    """Where the key comes from that seals what lies on the device; `disk`: not protected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenPicture:
    """What one screen shows, sent on the topic `picture`: drawn anew, with place holders for all that is anybody's own.

    It answers the command `snapshot`, whose body is `{"screen": …}`.
    """

    screen: Id
    at: Time
    png: Annotated[bytes, Meta(min_length=1, max_length=256 << 10)]
    """Of at most 640 pixels across."""
