"""What can be wrong at the edge.

EdgeError                a sentence and the fix
├── SensorError          hardware that cannot be used now; its sensor is tried again
├── LinkError            the broker cannot be reached or refuses
├── Unwritable           the disk takes nothing now: what it refused may be tried again
└── OutboxFull           no room in the outbox's budget: refused and counted
"""

from ground.errors import NorenError


class EdgeError(NorenError):
    """Something wrong at the edge."""


class SensorError(EdgeError):
    """A radio, camera or scanner that cannot be used now."""


class LinkError(EdgeError):
    """The broker cannot be reached, or refuses us."""


class Unwritable(EdgeError):
    """The file cannot be written now, as its disk is full, too slow or fails; what one work met, the next would too."""


class OutboxFull(EdgeError):
    """The outbox has no room in its budget."""
