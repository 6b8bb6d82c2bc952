"""Knows when the display is to be on, by the week's hours or by order, and has it switched by a thread of its own."""

from __future__ import annotations

import fcntl
import logging
import threading
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Self
from zoneinfo import ZoneInfo

from ground.programme import calendar
from ground.programme.records import When
from signage import cec
from signage.config import DisplayConfig

log = logging.getLogger(__name__)

BACKLIGHTS = Path("/sys/class/backlight")
_BLANK = {True: "0", False: "4"}
"""FB_BLANK_UNBLANK and FB_BLANK_POWERDOWN of linux/fb.h."""
_TRIES = 3
_PAUSE = 10.0
"""Seconds until a display that did not listen is told again: some take so long to wake."""
_LAST_WORD = 2.0


class Power:
    """Decides; `switch` does. The clock is passed in."""

    def __init__(self, hours: Sequence[When], switch: Switch, zone: ZoneInfo | None = None) -> None:
        """The display is on when any of `hours` is due in the zone; always if there are none."""
        self._hours = tuple(hours)
        self._switch = switch
        self._zone = zone or ZoneInfo("Asia/Tokyo")
        self._ordered: bool | None = None

    @property
    def troubles(self) -> tuple[str, ...]:
        """What is wrong with the switching, for the engineer."""
        return (self._switch.trouble,) if self._switch.trouble else ()

    def follow(self, zone: ZoneInfo) -> None:
        """Take the store's time zone."""
        self._zone = zone

    def order(self, order: Literal["on", "off", "auto"]) -> None:
        """Stay on or off until `auto`, which is what the hours say."""
        self._ordered = None if order == "auto" else order == "on"

    def wanted(self, now: datetime) -> bool:
        """Whether the display is to be on."""
        if self._ordered is not None:
            return self._ordered
        return calendar.is_due(self._hours, now, self._zone)

    def turn(self, *, on: bool) -> None:
        """Have it switched, without waiting for it."""
        self._switch.turn(on)


class Switch:
    """Switches by all that works: CEC, and the backlight of a panel. Where nothing does, the picture is black at least.

    DPMS is no way: only who holds the display (SDL, in the kernel's eyes) may set it, and SDL does not.
    """

    def __init__(
        self,
        display: DisplayConfig,
        counts: Counter[str],
        *,
        dev: Path = cec.DEV,
        drm: Path = cec.DRM,
        backlights: Path = BACKLIGHTS,
        ioctl: cec.Ioctl = fcntl.ioctl,
        pause: float = _PAUSE,
    ) -> None:
        # A window is on somebody's desk: their display is not ours to switch.
        self._ours = display.mode == "full"
        self._output = display.output
        self._counts = counts
        self._dev, self._drm, self._backlights = dev, drm, backlights
        self._ioctl = ioctl
        self._pause = pause
        self._wanted = True
        self._stopping = False
        self._told = threading.Event()
        self._thread: threading.Thread | None = None
        self.trouble = ""
        """Why the last order was not carried out."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopping = True
        self._told.set()
        if self._thread is not None:
            self._thread.join(_LAST_WORD)

    def turn(self, on: bool) -> None:
        """Begin to switch; a newer word replaces one that is still being carried out."""
        if not self._ours:
            return
        self._wanted = on
        self._told.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="power", daemon=True)
            self._thread.start()

    def now(self, on: bool) -> str:
        """Switch, which may take seconds; give why it was not done, or nothing."""
        done, faults = 0, list[str]()
        for device in cec.adapters(self._output, self._dev, self._drm, self._ioctl):
            try:
                cec.switch(device, on, self._ioctl)
                done += 1
            except cec.NotSwitched as error:
                faults.append(str(error))
        panel = not self._output or self._output.isdecimal() or self._output.startswith("DSI")
        for light in sorted(self._backlights.glob("*/bl_power")) if panel else ():
            try:
                light.write_text(_BLANK[on])
                done += 1
            except OSError as error:
                faults.append(
                    f"The backlight {light} cannot be switched: {error.strerror}. Give the player's user a right."
                )
        if done:
            return ""
        return (
            " ".join(faults) or "Nothing here switches the display: it has no CEC and no backlight. It is black only."
        )

    def _work(self) -> None:
        while True:
            self._told.wait()
            self._told.clear()
            if self._stopping:
                return
            self._carry_out(self._wanted)

    def _carry_out(self, on: bool) -> None:
        for _ in range(_TRIES):
            self.trouble = self.now(on)
            if not self.trouble:
                self._counts["power_switched"] += 1
                return
            if self._told.wait(self._pause):
                return  # A newer word.
        self._counts["power_failed"] += 1
        log.warning("the display was not switched", extra={"fields": {"on": on, "why": self.trouble}})
