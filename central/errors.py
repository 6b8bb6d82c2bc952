"""What can be wrong at central.

CentralError             a sentence and the fix
├── BrokerError          the broker cannot be started or reached, or refuses us
├── PortTaken            another program listens where we should
└── Unknown              a customer, store or agent that is asked for and not there
"""

from ground.errors import NorenError


class CentralError(NorenError):
    """Something wrong at central."""


class BrokerError(CentralError):
    """The broker cannot be started or reached, or refuses us."""


class PortTaken(CentralError):
    """Another program listens where we should."""


class Unknown(CentralError):
    """A customer, store or agent that is asked for and not there."""
