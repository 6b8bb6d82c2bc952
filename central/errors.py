"""What can be wrong at central.

CentralError             a sentence and the fix
├── BrokerError          the broker cannot be started or reached, or refuses us
├── PortTaken            another program listens where we should
├── KeysUnusable         the folder of the keys cannot be read or written
├── BadRequest           a request for a certificate that is none, or is for a weak key
├── CodeRefused          a one-time code that is unknown, used, or has run out
├── Unfit                a picture or film that screens could not show
├── ProgrammeRefused     a programme with problems: all of them at once
├── StillNamed           something is to be taken away that others name
└── Unknown              a customer, store or agent that is asked for and not there
"""

from collections.abc import Sequence

from ground.document import Problem
from ground.errors import NorenError


class CentralError(NorenError):
    """Something wrong at central."""


class BrokerError(CentralError):
    """The broker cannot be started or reached, or refuses us."""


class PortTaken(CentralError):
    """Another program listens where we should."""


class Unknown(CentralError):
    """A customer, store or agent that is asked for and not there."""


class ProgrammeRefused(CentralError):
    """A programme that cannot be taken in; `problems` has all of it at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        listed = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(f"The programme has {len(problems)} problem(s); nothing was changed.\n{listed}")
        self.problems = tuple(problems)


class StillNamed(CentralError):
    """Something is to be taken away that others name."""


class BadRequest(CentralError):
    """A request for a certificate that is none, or is for a weak key."""


class CodeRefused(CentralError):
    """A one-time code that is unknown, used, or has run out."""


class KeysUnusable(CentralError):
    """The folder of the keys cannot be read or written."""


class Unfit(CentralError):
    """A picture or film that screens could not show."""
