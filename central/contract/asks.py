"""What an agent asks of central while somebody waits at its reader, and what central answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from central.contract.codec import Id, Time

Value = Annotated[str, Meta(pattern="^[0-9A-Za-z-]{4,32}\\Z")]
Code = Annotated[str, Meta(pattern="^[0-9a-f]{32}\\Z")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Topic `ask`: who is this, whom I do not know, and was this signed code used elsewhere?"""

    ask: Id
    """The scan that it is about."""
    reader: Id
    at: Time
    value: Value | None = None
    """The number of a plain card, or the member of a signed code, where the agent's own feed does not have it."""
    code: Code | None = None
    """A signed code that was verified here (signed_code.SignedCode.digest), and is used by asking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Topic `told`: the answer. It names nobody: who may be known comes the way of every customer, by the feeds."""

    ask: Id
    who: Literal["coming", "unknown"] | None = None
    """`coming`: rows of this customer are on their way to this store."""
    used: bool = False
    """This code was read at another reader before."""
    number: Annotated[str, Meta(max_length=32)] = ""
    """What the register knows the member of a signed code by: for the register only, also of who is `unknown`."""
