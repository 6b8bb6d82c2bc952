"""What can be wrong at the edge.

EdgeError                a sentence and the fix
├── SensorError          hardware that cannot be used now; its sensor is tried again
│   └── Taken            another program has it, as it seems
├── LinkError            the broker cannot be reached or refuses
├── Unwritable           the disk takes nothing now: what it refused may be tried again
│   └── Corrupt          the database is broken: it is set aside at the next opening
├── Locked               sealed, and there is no key yet
├── Broken               sealed, and not as we left it
└── OutboxFull           no room in the outbox's budget: refused and counted
"""

from ground.errors import NorenError


class EdgeError(NorenError):
    """Something wrong at the edge."""


class SensorError(EdgeError):
    """A radio, camera or scanner that cannot be used now."""


class Taken(SensorError):
    """A camera that is busy, or gives nothing: another program may have it."""


class LinkError(EdgeError):
    """The broker cannot be reached, or refuses us."""


class Unwritable(EdgeError):
    """The file cannot be written now, as its disk is full, too slow or fails; what one work met, the next would too."""


class Corrupt(Unwritable):
    """The database is broken, or sealed with another key; its next opening sets it aside and begins a new one."""


class Locked(EdgeError):
    """What is sealed cannot be opened, or anything be sealed, before there is a key."""


class Broken(EdgeError):
    """What was sealed is not as we left it, or was sealed with another key."""


class OutboxFull(EdgeError):
    """The outbox has no room in its budget."""
