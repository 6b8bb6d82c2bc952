"""A store's line carries, says nothing while it is cut, and breaks what was connected when it is whole again."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from central.demo.lines import Lines


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that says everything back, in capitals."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()

        def answer(one: socket.socket) -> None:
            with one, suppress(OSError):
                while data := one.recv(1 << 16):
                    one.sendall(data.upper())

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


def called(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def test_everything_is_carried_both_ways(echo: int) -> None:
    with Lines() as lines:
        port = lines.lay("ginza", {"mqtt": echo})["mqtt"]
        with closing(called(port)) as one:
            big = b"a" * 3_000_000
            threading.Thread(target=one.sendall, args=(big,)).start()
            heard = 0
            while heard < len(big):
                heard += len(one.recv(1 << 16))
            one.shutdown(socket.SHUT_WR)
            assert one.recv(10) == b""


def test_a_cut_line_is_silent_and_a_joined_one_has_forgotten(echo: int) -> None:
    with Lines() as lines:
        ports = {store: lines.lay(store, {"mqtt": echo})["mqtt"] for store in ("ginza", "umeda")}
        with closing(called(ports["ginza"])) as one, closing(called(ports["umeda"])) as other:
            one.sendall(b"a")
            assert one.recv(10) == b"A"
            lines.cut("ginza")
            other.sendall(b"b")
            assert other.recv(10) == b"B"  # Whatever is asked of the thread is done in order: the line is cut by now.
            assert not lines.is_whole("ginza")
            one.sendall(b"c")
            one.settimeout(0.2)
            with pytest.raises(TimeoutError):
                one.recv(10)
            one.settimeout(30)
            lines.join("ginza")
            with suppress(ConnectionResetError):
                assert one.recv(10) == b""
            other.sendall(b"d")
            assert other.recv(10) == b"D"
        with closing(called(ports["ginza"])) as again:
            again.sendall(b"e")
            assert again.recv(10) == b"E"
            assert lines.is_whole("ginza")


def test_who_calls_while_it_is_cut_is_answered_when_it_is_whole_or_not_at_all(echo: int) -> None:
    with Lines() as lines:
        port = lines.lay("ginza", {"mqtt": echo})["mqtt"]
        lines.cut("ginza")
        with closing(called(port)) as one:
            one.sendall(b"a")
            one.settimeout(0.2)
            with pytest.raises(TimeoutError):
                one.recv(10)
            lines.join("ginza")
            one.settimeout(30)
            with suppress(ConnectionResetError):
                assert one.recv(10) == b""


def test_where_nobody_listens_the_caller_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        empty = server.getsockname()[1]
    with Lines() as lines:
        one = called(lines.lay("ginza", {"mqtt": empty})["mqtt"])
        with one, suppress(ConnectionResetError):
            assert one.recv(10) == b""


def test_a_reset_is_passed_on_both_ways() -> None:
    now = struct.pack("ii", 1, 0)  # SO_LINGER of no time: close() resets.
    with socket.create_server(("127.0.0.1", 0)) as server, Lines() as lines:
        port = lines.lay("ginza", {"mqtt": server.getsockname()[1]})["mqtt"]
        for reset, told in ((0, 1), (1, 0)):
            one = called(port)
            ends = (one, server.accept()[0])
            one.sendall(b"a")
            assert ends[1].recv(10) == b"a"
            ends[1].settimeout(30)
            ends[reset].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
            ends[reset].close()
            with ends[told], suppress(ConnectionResetError):
                assert ends[told].recv(10) == b""


def test_leaving_breaks_everything_also_what_is_cut(echo: int) -> None:
    with Lines() as lines:
        port = lines.lay("ginza", {"mqtt": echo})["mqtt"]
        one, waits = called(port), None
        one.sendall(b"a")
        assert one.recv(10) == b"A"
        lines.cut("ginza")
        waits = called(port)
    with one, waits, suppress(ConnectionResetError):
        assert one.recv(10) == b""
        assert waits.recv(10) == b""
