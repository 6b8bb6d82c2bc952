"""The demo's end of the store page: takes its orders and tells it how everything is."""

from __future__ import annotations

import contextlib
import selectors
import socket
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType

from msgspec import DecodeError

from central.page.contract import MAX_LINE, Answer, Opening, Order, State, for_demo, line
from ground.programme.records import Texts

TELLS_S = 0.2
REPEATS_S = 2.0
"""A page that hears nothing for longer than this knows that the demo is gone."""
_BEHIND = 4 << 20
"""Bytes that a page may be behind before it is cut off."""


@dataclass(slots=True, eq=False)
class _Page:
    socket: socket.socket
    heard: bytearray = field(default_factory=bytearray)
    unsaid: bytearray = field(default_factory=bytearray)


class Window:
    """A Unix socket, open inside `with`; `wait` is the demo's only sleep."""

    def __init__(self, path: Path, opening: Opening, obey: Callable[[Order], Texts]) -> None:
        self._path = path
        self._opening = line(opening)
        self._obey = obey
        self._pages: set[_Page] = set()
        self._told: tuple[float, State] | None = None

    def __enter__(self) -> Window:
        self._selector = selectors.DefaultSelector()
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listening.setblocking(False)
        self._listening.bind(str(self._path))
        self._path.chmod(0o600)
        self._listening.listen()
        self._selector.register(self._listening, selectors.EVENT_READ)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for page in list(self._pages):
            self._part(page)
        self._selector.close()
        self._listening.close()
        self._path.unlink(missing_ok=True)

    @property
    def watched(self) -> bool:
        return bool(self._pages)

    def wait(self, seconds: float) -> None:
        """Wait that long at most, and carry out what was ordered meanwhile."""
        for key, events in self._selector.select(seconds):
            if key.data is None:
                self._accept()
            else:
                self._attend(key.data, events)

    def tell(self, state: State) -> None:
        """Tell what is new; what has not changed is told again every two seconds."""
        before = self._told
        if before is not None and replace(before[1], now=state.now) == state and state.now - before[0] < REPEATS_S / 2:
            return
        self._told = (state.now, state)
        for page in list(self._pages):
            self._say(page, line(state))

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            opened, _ = self._listening.accept()
            opened.setblocking(False)
            page = _Page(opened)
            self._pages.add(page)
            self._selector.register(opened, selectors.EVENT_READ, page)
            self._say(page, self._opening)
            if self._told is not None:
                self._say(page, line(self._told[1]))

    def _attend(self, page: _Page, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE:
                self._flush(page)
            if events & selectors.EVENT_READ:
                self._hear(page)
        except OSError:
            self._part(page)

    def _hear(self, page: _Page) -> None:
        data = page.socket.recv(1 << 16)
        page.heard += data
        *lines, rest = page.heard.split(b"\n")
        page.heard = rest
        for each in lines:
            try:
                order = for_demo(bytes(each))
            except (DecodeError, RecursionError):
                return self._part(page)
            self._say(page, line(Answer(order=order.order, refused=self._obey(order))))
        if not data or len(rest) > MAX_LINE:
            self._part(page)
        return None

    def _say(self, page: _Page, said: bytes) -> None:
        page.unsaid += said
        try:
            self._flush(page)
        except OSError:
            self._part(page)

    def _flush(self, page: _Page) -> None:
        with contextlib.suppress(BlockingIOError):
            sent = page.socket.send(page.unsaid)
            del page.unsaid[:sent]
        if len(page.unsaid) > _BEHIND:
            raise ConnectionError("the page does not listen")
        waits = selectors.EVENT_READ | (selectors.EVENT_WRITE if page.unsaid else 0)
        self._selector.modify(page.socket, waits, page)

    def _part(self, page: _Page) -> None:
        if page in self._pages:
            self._pages.discard(page)
            self._selector.unregister(page.socket)
            page.socket.close()
