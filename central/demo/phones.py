"""Gives shoppers whose phone shows a QR code the one that central would have signed for that very moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import json
from sqlalchemy import Connection, Engine

from central import codes
from central.keys import Keys
from central.scenario import Bearer, Scenario, Shopper, Show
from central.storage.database import writing

TAKEN_OUT = timedelta(seconds=3)
"""Before it is held to the reader the app has fetched its code."""


class Script:
    """The scenario, written for the simulated senses once it is known when it begins."""

    def __init__(
        self, scenario: Scenario, file: Path, database: Callable[[], AbstractContextManager[Engine]], keys: Keys
    ) -> None:
        self.scenario = scenario
        """As it was written last."""
        self._plot = scenario
        self._file = file
        self._database = database
        self._keys = keys

    def write(self, start: float) -> None:
        """Write it for this beginning (CLOCK_MONOTONIC)."""
        begins = datetime.now(UTC) + timedelta(seconds=start - time.monotonic())
        with self._database() as engine:
            self.scenario = with_codes(self._plot, engine, self._keys, begins)
        self._file.write_bytes(json.encode(self.scenario))


def with_codes(scenario: Scenario, engine: Engine, keys: Keys, begins: datetime) -> Scenario:
    """The scenario, which begins at that time, with signed codes for the QR codes of members; bar codes are cards."""
    with writing(engine) as connection:
        stores = {
            name: replace(
                store,
                shoppers=tuple(
                    _with_code(shopper, scenario.truth.shoppers, connection, keys, begins) for shopper in store.shoppers
                ),
            )
            for name, store in scenario.stores.items()
        }
    return replace(scenario, stores=stores)


def _with_code(
    shopper: Shopper, bearers: Mapping[str, Bearer], connection: Connection, keys: Keys, begins: datetime
) -> Shopper:
    who = bearers[shopper.shopper].customer

    def signed(show: Show) -> Show:
        if not (show.own and show.format == "QRCode" and who):
            return show
        at = begins + timedelta(seconds=show.begin) - TAKEN_OUT
        (issued,) = codes.issue(connection, keys, who, at)
        return replace(show, content=issued.code)

    return replace(shopper, shows=tuple(map(signed, shopper.shows)))
