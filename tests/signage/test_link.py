"""The socket: agents that come, go, babble and replace each other."""

from __future__ import annotations

import selectors
import socket
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from ground.errors import NorenError, StorageError
from signage.contract import MAX_LINE, Clear, Noted, ToPlayer, line
from signage.link import Link

CLEAR = Clear(scene="a")


class Loop:
    """The player's loop, one turn at a time."""

    def __init__(self, path: Path, counts: Counter[str]) -> None:
        self.selector = selectors.DefaultSelector()
        self.link = Link(path, self.selector, counts)
        self.path = path

    def turn(self) -> list[ToPlayer | None]:
        for key, events in self.selector.select(0):
            key.data(events)
        return self.link.received()

    def agent(self) -> socket.socket:
        agent = socket.socket(socket.AF_UNIX)
        agent.settimeout(10)
        agent.connect(str(self.path))
        self.turn()
        return agent


@contextmanager
def opened(path: Path, counts: Counter[str]) -> Iterator[Loop]:
    loop = Loop(path, counts)
    with loop.selector, loop.link:
        yield loop


def test_messages_come_in_order_however_they_are_cut(tmp_path: Path, counts: Counter[str]) -> None:
    with opened(tmp_path / "s", counts) as loop, loop.agent() as agent:
        data = line(CLEAR) + line(Noted(play="p"))
        got = []
        for byte in data:
            agent.send(bytes([byte]))
            got += loop.turn()
        agent.send(data)
        got += loop.turn()
        assert got == [CLEAR, Noted(play="p")] * 2


@pytest.mark.parametrize(
    "bad",
    [b"no json\n", b"\n", b'{"kind":"clear","body":{}}\n', b'{"kind":"show"}\n', b"\xff\xfe\n", b"[" * 5000 + b"\n"],
)
def test_a_line_that_cannot_be_read_is_counted_and_the_next_one_is_read(
    bad: bytes, tmp_path: Path, counts: Counter[str]
) -> None:
    with opened(tmp_path / "s", counts) as loop, loop.agent() as agent:
        agent.sendall(bad + line(CLEAR))
        assert loop.turn() == [CLEAR]
    assert counts == {"lines_garbled": 1}


def test_a_kind_of_a_newer_agent_is_counted(tmp_path: Path, counts: Counter[str]) -> None:
    with opened(tmp_path / "s", counts) as loop, loop.agent() as agent:
        agent.sendall(b'{"kind":"dance","body":{}}\n' + line(CLEAR))
        assert loop.turn() == [CLEAR]
    assert counts == {"lines_unknown": 1}


def test_a_line_without_an_end_closes_the_connection(tmp_path: Path, counts: Counter[str]) -> None:
    with opened(tmp_path / "s", counts) as loop, loop.agent() as agent:
        agent.setblocking(False)
        left = MAX_LINE + 10
        while not counts["lines_too_long"]:
            left -= agent.send(b"x" * min(left, 1 << 16))
            loop.turn()
        agent.setblocking(True)
        with suppress(ConnectionResetError):  # An orderly end is as good.
            assert agent.recv(10) == b""
        with loop.agent() as another:
            another.sendall(line(CLEAR))
            assert loop.turn() == [CLEAR]


def test_the_newest_agent_is_the_one_that_is_heard_and_greeted(tmp_path: Path, counts: Counter[str]) -> None:
    with opened(tmp_path / "s", counts) as loop:
        loop.link.greet(lambda: [b"hello\n", b"a play\n"])
        with loop.agent() as old, loop.agent() as new:
            assert old.recv(100) == b"hello\na play\n"
            assert old.recv(100) == b""
            loop.link.send([b"another\n"])
            assert new.recv(100) == b"hello\na play\nanother\n"
            new.sendall(line(CLEAR))
            assert loop.turn() == [CLEAR]
        assert loop.turn() == [None]
        loop.link.send([b"to nobody\n"])


def test_an_agent_that_does_not_read_gets_everything_later(tmp_path: Path, counts: Counter[str]) -> None:
    lines = [b"%07d\n" % number for number in range(200_000)]
    with opened(tmp_path / "s", counts) as loop, loop.agent() as agent:
        loop.link.send(lines)
        got = bytearray()
        while len(got) < 8 * len(lines):
            got += agent.recv(1 << 20)
            loop.turn()
        assert bytes(got) == b"".join(lines)


def test_an_agent_that_never_reads_is_hung_up_on_before_its_lines_fill_the_memory(
    tmp_path: Path, counts: Counter[str]
) -> None:
    with opened(tmp_path / "s", counts) as loop, loop.agent():
        for _ in range(40):
            loop.link.send([b"x" * 99 + b"\n"] * 2_000)
        assert counts["agents_deaf"] == 1
        assert loop.turn() == [None]


def test_only_its_user_may_connect_and_the_file_goes_with_the_player(tmp_path: Path, counts: Counter[str]) -> None:
    path = tmp_path / "s"
    with opened(path, counts):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()


def test_a_dead_players_socket_is_replaced_and_a_living_ones_is_not(tmp_path: Path, counts: Counter[str]) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with opened(path, counts) as loop:
        with pytest.raises(StorageError, match="Another player"), opened(path, counts):
            pass
        with loop.agent() as agent:
            agent.sendall(line(CLEAR))
            assert loop.turn() == [CLEAR]


def test_a_path_that_cannot_be_used_is_a_sentence(tmp_path: Path, counts: Counter[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NorenError, match="cannot listen"), opened(tmp_path / "file" / "s", counts):
        pass
