"""Speaks to one player over its socket: sends scenes at once, hears what was played, comes back when it does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from edge.errors import Broken, Locked
from edge.model import ScreenId
from edge.seal import Seal, open_carry, seal_carry
from ground.errors import NorenError
from signage.contract import MAX_LINE, Hello, Picture, Played, Show, ToPlayer, Vitals, for_agent, line

log = logging.getLogger(__name__)

AGAIN = 0.25
"""Seconds between two tries to find the player: it is on this machine, and somebody looks at its screen."""
MOST_WAITING = 4 << 20
"""Bytes not yet taken by a player that hangs; past that nothing more is handed to it."""


class Player:
    """One player; `hello`, `played` and `picture` are called on the event loop.

    It keeps its plays on disk: whom a scene is for goes to it sealed (see seal.seal_carry), and is opened here.
    """

    def __init__(
        self,
        screen: ScreenId,
        socket: str,
        *,
        seal: Seal,
        store: str,
        hello: Callable[[ScreenId, Hello], None],
        played: Callable[[ScreenId, Played], None],
        picture: Callable[[ScreenId, Picture], None] = lambda *_: None,
    ) -> None:
        self.screen = screen
        self.vitals: Vitals | None = None
        """As it has last said of itself in this connection."""
        self.garbled = 0
        self.carries_broken = 0
        self._seal = seal
        self._store = store
        seal.on_unlock.append(self.again)
        self._socket = socket
        self._hello = hello
        self._played = played
        self._picture = picture
        self._writer: asyncio.StreamWriter | None = None

    @property
    def connected(self) -> bool:
        return self._writer is not None

    @property
    def counts(self) -> dict[str, int]:
        """What it says of itself, by its name."""
        own = {"garbled": self.garbled} if self.garbled else {}
        if self.vitals is not None:
            own |= self.vitals.counts | {"fps": round(self.vitals.fps), "powered": int(self.vitals.powered)}
        return {f"{self.screen}-{name}": count for name, count in own.items() if count >= 0}

    @property
    def troubles(self) -> tuple[str, ...]:
        """What a person should know of it, in a sentence each."""
        if self.vitals is None:
            return ()
        dark = () if self.vitals.connected else ("no display answers: look at its cable and its power.",)
        return tuple(f"screen-{self.screen}: {said}" for said in dict.fromkeys((*self.vitals.troubles, *dark)))

    def send(self, message: ToPlayer) -> bool:
        """Hand a message over; False where no player takes it."""
        writer = self._writer
        if writer is None or writer.is_closing() or writer.transport.get_write_buffer_size() > MOST_WAITING:
            return False
        if isinstance(message, Show):
            message = replace(message, carry=seal_carry(self._seal, message.carry, self._store))
        writer.write(line(message))
        return True

    def again(self) -> None:
        """Have every play told again that was not noted: a player does so at each connection."""
        if self._writer is not None:
            self._writer.close()

    async def run(self) -> None:
        """Stay connected until cancelled."""
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(self._socket, limit=MAX_LINE)
            except OSError:
                await asyncio.sleep(AGAIN)
                continue
            try:
                await self._listen(reader, writer)
            except (OSError, ValueError, asyncio.LimitOverrunError) as error:
                log.warning("the player of %s was lost: %s", self.screen, error)
            finally:
                self._writer = self.vitals = None
                writer.close()
            await asyncio.sleep(AGAIN)

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.readline():
            try:
                message = for_agent(data)
            except NorenError as error:
                self.garbled += 1
                log.warning("the player of %s sent what cannot be read: %s", self.screen, error)
                continue
            if isinstance(message, Hello):
                self._writer = writer
                self._hello(self.screen, message)
            elif isinstance(message, Played):
                self._hear(message)
            elif isinstance(message, Vitals):
                self.vitals = message
            elif isinstance(message, Picture):
                self._picture(self.screen, message)

    def _hear(self, played: Played) -> None:
        try:
            played = replace(played, carry=open_carry(self._seal, played.carry, self._store))
        except Locked:
            return  # It is told again once there is a key.
        except Broken as error:
            self.carries_broken += 1
            log.warning("whom a play on %s was for cannot be read: %s", self.screen, error)
            played = replace(played, carry={})
        self._played(self.screen, played)
