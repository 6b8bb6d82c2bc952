"""Tells how an agent is from what it has on disk, whether it runs or not."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from edge import enrolment, health, ledger
from edge.config import EdgeConfig
from edge.errors import EdgeError
from edge.storage import DATABASE


def of(config: EdgeConfig) -> dict[str, object]:
    """What the outbox holds, and the counts that were left last. Raises EdgeError."""
    path = config.folder / DATABASE
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            state = ledger.stands(db)
    except sqlite3.Error as error:
        raise EdgeError(f"The database {path} cannot be read: {error}.", fix="Has the agent run here once?") from error
    return {
        "agent": enrolment.load(config.folder).agent,
        "epoch": state.epoch,
        "made": state.last,
        "acked": state.acked,
        "waiting": state.last - state.acked,
        "bytes": sum(state.sizes),
        "dropped": state.dropped,
        "refused": state.refused,
        "sealing": config.sealing,
        "counts": health.last(config.folder),
    }
