"""The window tells the page everything in order, takes its orders, and lets no page hold the demo up."""

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from central.demo.window import Window
from central.page.contract import Answer, Fault, Opening, Order, State, for_page, line
from ground.programme.records import Texts

OPENING = Opening(shops=(), url="sqlite://")
STATE = State(now=1.0, people=(), parts=(), stores=(), faults=(), fault_count=0, worst_black_s=0.0)


class Page:
    """The other end, which turns the window's crank whenever it waits."""

    def __init__(self, path: Path, window: Window) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.socket.setblocking(False)
        self._window = window
        self._heard = b""

    def said(self) -> object:
        while b"\n" not in self._heard:
            self._window.wait(0.01)
            try:
                data = self.socket.recv(1 << 16)
            except BlockingIOError:
                continue
            if not data:
                return None
            self._heard += data
        first, self._heard = self._heard.split(b"\n", 1)
        return for_page(first)


@pytest.fixture
def obeyed() -> list[Order]:
    return []


@pytest.fixture
def window(tmp_path: Path, obeyed: list[Order]) -> Iterator[Window]:
    def obey(order: Order) -> Texts:
        obeyed.append(order)
        return {} if order.what == "walk-in" else {"ja": "いいえ", "en": "no"}

    with Window(tmp_path / "w.sock", OPENING, obey) as window:
        yield window
    assert not (tmp_path / "w.sock").exists()


@pytest.fixture
def page(window: Window, tmp_path: Path) -> Iterator[Callable[[], Page]]:
    pages: list[Page] = []

    def come() -> Page:
        pages.append(Page(tmp_path / "w.sock", window))
        return pages[-1]

    yield come
    for each in pages:
        each.socket.close()


def test_a_page_hears_the_opening_then_what_is_new(window: Window, page: Callable[[], Page]) -> None:
    one = page()
    assert one.said() == OPENING
    assert window.watched
    window.tell(STATE)
    window.tell(replace(STATE, now=1.2))  # Nothing is new.
    later = replace(STATE, now=1.4, fault_count=1)
    window.tell(later)
    assert one.said() == STATE
    assert one.said() == later
    again = replace(later, now=2.6)
    window.tell(again)
    assert one.said() == again


def test_one_that_comes_later_hears_the_last_at_once(window: Window, page: Callable[[], Page]) -> None:
    window.tell(STATE)
    one, two = page(), page()
    assert [one.said(), one.said()] == [OPENING, STATE]
    assert [two.said(), two.said()] == [OPENING, STATE]


def test_orders_are_obeyed_and_answered(window: Window, page: Callable[[], Page], obeyed: list[Order]) -> None:
    one = page()
    first, second = Order(order=1, what="walk-in", store="ginza"), Order(order=2, what="kill", part="broker")
    one.socket.sendall(line(first) + line(second)[:10])
    assert [one.said(), one.said()] == [OPENING, Answer(order=1)]
    one.socket.sendall(line(second)[10:])
    assert one.said() == Answer(order=2, refused={"ja": "いいえ", "en": "no"})
    assert obeyed == [first, second]


@pytest.mark.parametrize(
    "rubbish", [b"\n", b'{"order":1,"what":"shout"}\n', b"[" * 100_000 + b"\n", b"\xff\n", b"x" * 2_000_000]
)
def test_a_page_that_says_rubbish_is_parted_with(window: Window, page: Callable[[], Page], rubbish: bytes) -> None:
    one, good = page(), page()
    assert one.said() == OPENING
    one.socket.setblocking(True)
    sent = 0
    while sent < len(rubbish):
        one.socket.setblocking(False)
        try:
            sent += one.socket.send(rubbish[sent:])
        except BlockingIOError:
            window.wait(0.01)
        except OSError:
            break
    with suppress(OSError):
        assert one.said() is None
    assert good.said() == OPENING


def test_a_page_that_does_not_listen_holds_nobody_up(window: Window, page: Callable[[], Page]) -> None:
    deaf, good = page(), page()
    assert good.said() == OPENING
    fault = Fault(fault=1, what="x" * 500_000, where="", at=0.0, took=None)
    for number in range(1, 21):
        state = replace(STATE, now=number * 2.0, faults=(fault,))
        window.tell(state)
        assert good.said() == state
    # What it has not taken is gone, and the rest of the line is none.
    deaf.socket.setblocking(True)
    while deaf.socket.recv(1 << 20):
        pass
    assert window.watched
