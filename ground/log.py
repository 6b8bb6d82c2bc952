"""Writes log records as one line of JSON each to standard error, for journald and for people."""

from __future__ import annotations

import logging
import sys
import traceback
from datetime import UTC, datetime

import msgspec


class Lines(logging.Formatter):
    """One JSON object a record; values given as `extra={"fields": {...}}` become keys of it."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
            "said": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0]:
            line["trace"] = "".join(traceback.format_exception(*record.exc_info))
        return msgspec.json.encode(line | getattr(record, "fields", {})).decode()


def set_up(level: str = "info") -> None:
    """Send every record from `level` up to standard error; called once, by a command."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
