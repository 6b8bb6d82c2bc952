"""Tries settings of central's, and goes back by itself to the last good ones where the agent does not do well."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from central.contract.codec import Id, Unreadable, decode, encode
from central.contract.feeds import Settings
from edge.config import EdgeConfig
from ground import files

log = logging.getLogger(__name__)

FILE = "settings.json"
WITHIN = 180.0
"""Seconds after a start within which an agent on trial must do well."""
STEADY = 5.0
"""Seconds that it must do well without a break."""
SETTLED = 10.0
"""Seconds after a start until it is known what works here, and something new may be tried."""
MOST_STARTS = 2
"""Starts that a trial has: settings that kill the agent never get a third."""
MOST_FAILED = 16

OWN = Settings(settings="own")
"""What the device's own file says, and nothing over it."""
Judged = Literal["waits", "good", "back"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is on disk of them; at any moment of a power cut the one before or the one after."""

    good: Settings = OWN
    trial: Settings | None = None
    starts: int = 0
    """How often the trial has begun."""
    worked: tuple[str, ...] = ()
    """Sensors and screens that worked before it."""
    failed: tuple[Id, ...] = ()
    """What was gone back from, the latest last; none of it is tried again."""
    unheard: Id | None = None
    """What was gone back from for want of a link: that may be central's or the network's, so once it is no failure."""

    @property
    def running(self) -> Settings:
        return self.trial or self.good


def begin(folder: Path) -> Kept:
    """What this start runs with: a trial that began too often is over; a start that cannot be counted tries nothing."""
    kept = _load(folder)
    if kept.trial is None:
        return kept
    counted = replace(kept, starts=kept.starts + 1) if kept.starts < MOST_STARTS else gone_back(kept)
    try:
        _keep(folder, counted)
    except OSError as error:
        log.warning("a trial of settings could not be counted, and is not begun: %s", error)
        return replace(kept, trial=None)
    return counted


def asked(kept: Kept, row: Settings | None, worked: frozenset[str]) -> Kept | None:
    """What is to be kept where central has settings (None: none) for us that we do not run with; None where nothing."""
    wanted = row or OWN
    if wanted.settings in (kept.running.settings, *kept.failed):
        return None
    if wanted.settings == kept.good.settings:  # Taken back while they are tried.
        return replace(kept, trial=None, starts=0, worked=())
    before = kept.worked if kept.trial else tuple(sorted(worked))
    return replace(kept, trial=wanted, starts=0, worked=before)


def found_good(kept: Kept) -> Kept:
    return replace(kept, good=kept.running, trial=None, starts=0, worked=(), unheard=None)


def gone_back(kept: Kept, *, linked: bool = True) -> Kept:
    """Back to the last good ones; `linked`: whether there was a link, or nobody can say that they are at fault."""
    if not linked and kept.unheard != kept.running.settings:
        return replace(kept, trial=None, starts=0, worked=(), unheard=kept.running.settings)
    failed = (*kept.failed, kept.running.settings)[-MOST_FAILED:]
    return replace(kept, trial=None, starts=0, worked=(), failed=failed)


def apply(config: EdgeConfig, settings: Settings) -> tuple[EdgeConfig, tuple[str, ...]]:
    """The device's own configuration with these over it, and a sentence for each that does not fit this device."""
    troubles = [f"settings: there is no zone {zone} here" for zone in settings.zones if zone not in _names(config)]
    zones = []
    for zone in config.zones:
        levels = settings.zones.get(zone.zone)
        changed = levels and replace(zone, enter_dbm=levels.enter_dbm, exit_dbm=levels.exit_dbm)
        problems = list(changed.problems()) if changed else []
        troubles += [f"settings: zone {zone.zone}: {problem}" for problem in problems]
        zones.append(zone if problems or not changed else changed)
    made = replace(
        config,
        zones=tuple(zones),
        languages=tuple(dict.fromkeys(settings.languages or config.languages)),
        confirm_hours=settings.confirm_hours or config.confirm_hours,
        outbox_mb=settings.outbox_mb or config.outbox_mb,
        log=settings.log or config.log,
    )
    return made, tuple(troubles)


class Trial:
    """The settings of one run: what central asks for, and whether the agent does well with what it tries.

    `works` names the sensors and screens that work now; `linked` is whether there is a link and all feeds have caught
    up over it; `again` ends the run, so that the next one begins with what is kept then; `told` is called when
    something was decided.
    """

    def __init__(
        self,
        folder: Path,
        kept: Kept,
        *,
        works: Callable[[], frozenset[str]],
        linked: Callable[[], bool],
        again: Callable[[], None],
        told: Callable[[], None],
    ) -> None:
        self.kept = kept
        self._folder = folder
        self._works = works
        self._linked = linked
        self._again = again
        self._told = told
        self._row: Settings | None = None
        self._asked = False
        self._well: float | None = None
        """Since when it does well; seconds of the loop's clock."""

    @property
    def good(self) -> str | None:
        """What is said of it in a status: the settings that were found good; None for the device's own."""
        return None if self.kept.good.settings == OWN.settings else self.kept.good.settings

    @property
    def failed(self) -> str | None:
        return self.kept.failed[-1] if self.kept.failed else None

    def ask(self, row: Settings | None) -> None:
        """Take note of what central has for this store now."""
        self._row, self._asked = row, True

    async def run(self) -> None:
        """Judge what is tried, and begin what is asked for, until cancelled."""
        clock = asyncio.get_running_loop().time
        began = clock()
        while True:
            await asyncio.sleep(1.0)
            now = clock() - began
            if self.kept.trial is not None:
                judged = self.judge(now)
                if judged == "good" and self._kept(found_good(self.kept)):
                    log.info("the settings %s are good", self.kept.good.settings)
                    self._told()
                elif judged == "back":
                    tried, back = self.kept.running.settings, gone_back(self.kept, linked=self._linked())
                    if not self._kept(back):
                        continue
                    log.error("the settings %s did not do well: back to the last good ones", tried)
                    return self._again()
            changed = asked(self.kept, self._row, self._works()) if self._asked and now >= SETTLED else None
            if changed is not None and self._kept(changed):
                log.info("central asks for the settings %s", changed.running.settings)
                return self._again()

    def judge(self, now: float) -> Judged:
        """How the trial stands, `now` seconds after the start."""
        if not self._linked() or not self._works() >= set(self.kept.worked):
            self._well = None
        elif self._well is None:
            self._well = now
        if self._well is not None and now - self._well >= STEADY:
            return "good"
        return "back" if now >= WITHIN else "waits"

    def _kept(self, kept: Kept) -> bool:
        try:
            _keep(self._folder, kept)
        except OSError as error:  # A full disk: at the next look there may be room.
            log.warning("what became of settings could not be kept: %s", error)
            return False
        self.kept = kept
        return True


def _names(config: EdgeConfig) -> set[str]:
    return {zone.zone for zone in config.zones}


def _load(folder: Path) -> Kept:
    try:
        return decode((folder / FILE).read_bytes(), Kept)
    except FileNotFoundError:
        return Kept()
    except (OSError, Unreadable) as error:  # Central says again what it wants.
        log.warning("the settings that were kept cannot be read: %s", error)
        return Kept()


def _keep(folder: Path, kept: Kept) -> None:
    files.put(folder / FILE, encode(kept))
