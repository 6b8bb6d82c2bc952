"""What can be wrong at the edge.

EdgeError                a sentence and the fix
├── SensorError          hardware that cannot be used now; its sensor is tried again
├── LinkError            the broker cannot be reached or refuses
└── OutboxFull           no room for another event: refused and counted
"""

from ground.errors import NorenError


class EdgeError(NorenError):
    """Something wrong at the edge."""


class SensorError(EdgeError):
    """A radio, camera or scanner that cannot be used now."""


class LinkError(EdgeError):
    """The broker cannot be reached, or refuses us."""


class OutboxFull(EdgeError):
    """The outbox has no room, on disk or in its budget."""
