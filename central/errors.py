"""What can be wrong at central.

CentralError             a sentence and the fix
├── BrokerError          the broker cannot be started or reached, or refuses us
├── PortTaken            another program listens where we should
├── KeysUnusable         the folder of the keys cannot be read or written
├── BadRequest           a request for a certificate that is none, or is for a weak key
├── CodeRefused          a one-time code that is unknown, used, or has run out
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


class BadRequest(CentralError):
    """A request for a certificate that is none, or is for a weak key."""


class CodeRefused(CentralError):
    """A one-time code that is unknown, used, or has run out."""


class KeysUnusable(CentralError):
    """The folder of the keys cannot be read or written."""
