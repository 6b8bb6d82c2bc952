"""Notices a screen that stands still although something on it should have changed: pure, told what was seen."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

EVERY = 10.0
"""Seconds between two looks."""
_LOOKS = 6
"""So often in a row the same picture where there should be another one, and the screen hangs."""


@dataclass(slots=True, kw_only=True)
class Watch:
    """Compares what is on the screen with what was drawn for it; the same again says nothing, either way."""

    looks: int = _LOOKS
    _seen: tuple[int, Hashable] | None = field(default=None, init=False)
    _same: int = field(default=0, init=False)

    def hangs(self, checksum: int, drawn: Hashable) -> bool:
        """Look: `checksum` is of what is on the screen, `drawn` of the pictures that should be.

        That something moved in between proves nothing: a loop may be looked at in the same place each time, two scenes
        may look the same, and a film may be of a thing that stands still.
        """
        before, self._seen = self._seen, (checksum, drawn)
        if before is None or before[0] != checksum:
            self._same = 0
        elif before[1] != drawn:
            self._same += 1
        return self._same >= self.looks

    def forget(self) -> None:
        """Nothing is to be seen for a while: the display is off."""
        self._seen, self._same = None, 0
