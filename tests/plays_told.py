"""Plays as agents tell of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from edge_log import NOON

from central.contract import events
from central.contract.events import Born, Played


def born(at: datetime, *, boot: str = "boot-1", up_ms: int = 0, synced: bool = True) -> Born:
    return Born(wall=at, boot=boot, up_ms=up_ms, synced=synced)


def played(name: str, at: datetime = NOON, shown_ms: int = 8_000, **fields: Any) -> bytes:
    body: dict[str, Any] = {
        "screen": "shelf-1",
        "scene": "tea-ja",
        "layout": "campaign",
        "cause": "schedule",
        "level": 0,
    }
    body |= {"content": "tea", "campaign": "autumn", "names": ("秋の新茶",), "zones": ("shelf",), "ended": "over"}
    return events.make(Played(play=name, shown_ms=shown_ms, **{**body, **fields}), born(at))
