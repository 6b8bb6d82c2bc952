"""The process that decodes one film into a ring of pictures in shared memory, so that no file can harm the player.

Started by signage.films. It sends FRAME packets, and one packet that begins with FAILED when it must give up; it gets
the number of each slot that is free again as one byte. When its socket closes, it ends.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import resource
import signal
import socket
import struct
import sys
from collections import deque
from collections.abc import Iterator
from mmap import mmap
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from av import VideoFrame, VideoStream
    from av.container import InputContainer
    from av.filter import Graph

FRAME = struct.Struct("<cBd")
"""Kind, slot of the ring, seconds since the film's first picture."""
PICTURE, OVER, FAILED = b"P", b"O", b"X"
"""A picture lies in the slot; the film has run out at these seconds; a sentence follows."""

CODECS = ("h264", "hevc")
_MOST_PIXELS = 4096 * 2304
_MEMORY = 1 << 30
_NICE = 2
"""The player's own frames come first."""
_MOST_THREADS = 4
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
"""linux/prctl.h."""
_UNSPECIFIED, _HIGH = 2, 720
"""ITU-T H.273 table 4; and the lines from which a film that does not say so is BT.709."""
_RATE = 25
"""Pictures a second of a film that does not say."""
_LATER = ("av.audio.stream", "av.filter", "av.sidedata.motionvectors", "av.subtitles.stream", "av.video.stream")
"""What PyAV imports when it meets the first of its kind."""
_TURNS: dict[int, list[tuple[str, str | None]]] = {
    90: [("transpose", "clock")],
    180: [("hflip", None), ("vflip", None)],
    270: [("transpose", "cclock")],
}


class Unplayable(Exception):
    """A film that cannot be decoded; the text says why."""


def main(arguments: list[str]) -> int:
    """Decode the file until the film or the player ends."""
    path, *numbers = arguments
    width, height, pitch, slots, rotate, ring_fd, control_fd, parent = map(int, numbers)
    for module in _LATER:  # While files can still be opened.
        importlib.import_module(module)

    with (
        socket.socket(fileno=control_fd) as control,
        mmap(ring_fd, pitch * height * slots) as memory,
        Path(path).open("rb") as file,
    ):
        _confine(parent)
        ring = Ring(memory, control, (width, height), pitch, slots)
        try:
            for seconds, picture in pictures(file, (width, height), rotate):
                if picture is None:
                    ring.end(seconds)
                else:
                    ring.put(picture, seconds)
        except Unplayable as error:
            ring.fail(str(error))
        except (ConnectionError, EOFError):
            pass  # Nobody looks any more.
    return 0


def pictures(file: BinaryIO, size: tuple[int, int], rotate: int) -> Iterator[tuple[float, VideoFrame | None]]:
    """Give each picture with its seconds, turned clockwise and cut to fill the size; last, none and when it is over.

    Raises Unplayable.
    """
    import av  # Not by whoever only wants to know the packets: it takes 30 MB.

    av.logging.set_level(None)
    graph: Graph | None = None
    try:
        # By the one named demuxer: a playlist that calls itself a film must not open what it likes.
        with av.open(file, "r", format=_kind(file)) as container:
            stream = _stream(container)
            length = 1 / float(stream.average_rate or _RATE)
            first, seconds = 0.0, -length
            for frame in container.decode(stream):
                at = seconds + first + length if frame.time is None else frame.time
                if graph is None:
                    graph, first = _graph(frame, stream, size, rotate), at
                graph.vpush(frame)
                seconds = max(seconds, at - first)  # Times that go back would stop the film.
                yield seconds, graph.vpull()
    except (av.FFmpegError, ValueError, MemoryError, OverflowError) as error:
        raise Unplayable(str(error) or type(error).__name__) from error
    if graph is None:
        raise Unplayable("it has no picture")
    yield seconds + length, None


def _kind(file: BinaryIO) -> str:
    """Tell the container by its first bytes: ISO/IEC 14496-12 §4.3, or EBML (RFC 8794 §11.2.1)."""
    head = file.read(12)
    file.seek(0)
    if head[4:8] == b"ftyp":
        return "mp4"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "matroska"
    raise Unplayable("it is neither MP4 nor Matroska")


def _stream(container: InputContainer) -> VideoStream:
    if not container.streams.video:
        raise Unplayable("it has no moving pictures")
    stream = container.streams.video[0]
    context = stream.codec_context
    if context.name not in CODECS:
        raise Unplayable(f"it is coded in {context.name}, not in {' or '.join(CODECS)}")
    if not 0 < context.width * context.height <= _MOST_PIXELS:
        raise Unplayable(f"it has {context.width} × {context.height} pixels")
    stream.thread_type = "AUTO"
    context.thread_count = min(_MOST_THREADS, os.cpu_count() or 1)
    return stream


def _graph(frame: VideoFrame, stream: VideoStream, size: tuple[int, int], rotate: int) -> Graph:
    """What makes pictures for the screen of those in the film, which may itself ask to be turned."""
    from av.filter import Graph

    turn = (rotate - frame.rotation) % 360  # The film's own is counted counter-clockwise.
    width, height = size if turn in (0, 180) else size[::-1]
    scale = max(width / frame.width, height / frame.height)
    wide, high = min(frame.width, round(width / scale) or 1), min(frame.height, round(height / scale) or 1)
    matrix = ":in_color_matrix=bt709" if frame.colorspace == _UNSPECIFIED and frame.height >= _HIGH else ""
    graph = Graph()
    graph.threads = 1
    nodes = [
        graph.add_buffer(template=stream),
        graph.add("crop", f"{wide}:{high}"),
        graph.add("scale", f"{width}:{height}:flags=bilinear{matrix}"),
        *(graph.add(name, argument) for name, argument in _TURNS.get(turn, ())),
        graph.add("format", "bgra"),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*nodes).configure()
    return graph


class Ring:
    """Writes pictures where the player reads them, as far ahead as there are slots."""

    def __init__(self, memory: mmap, control: socket.socket, size: tuple[int, int], pitch: int, slots: int) -> None:
        self._memory = memory
        self._control = control
        self._size = size
        self._pitch = pitch
        self._free = deque(range(slots))

    def put(self, picture: VideoFrame, seconds: float) -> None:
        """Wait for a free slot and fill it. Raises EOFError when the player is gone."""
        if not self._free:
            self._free.extend(self._freed())
        slot = self._free.popleft()
        width, height = self._size
        if (picture.width, picture.height, picture.format.name) != (width, height, "bgra"):
            raise Unplayable("its pictures change their size")
        plane = picture.planes[0]
        data, line = memoryview(plane).cast("B"), plane.line_size
        at = slot * self._pitch * height
        if line == self._pitch:
            self._memory[at : at + line * height] = data[: line * height]
        else:
            for row in range(height):
                begin = at + row * self._pitch
                self._memory[begin : begin + width * 4] = data[row * line : row * line + width * 4]
        self._control.send(FRAME.pack(PICTURE, slot, seconds))

    def end(self, seconds: float) -> None:
        """Say when the film is over; the player still has the memory when this process is gone."""
        self._control.send(FRAME.pack(OVER, 0, seconds))

    def fail(self, why: str) -> None:
        self._control.send(FAILED + why.encode()[:400])

    def _freed(self) -> bytes:
        freed = self._control.recv(64)
        if not freed:
            raise EOFError
        return freed


def _confine(parent: int) -> None:
    """End with the player; write no file, open none and no socket, take no more memory than a film needs."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # It died before it could be heard of.
        sys.exit(1)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.nice(_NICE)
    for limit, most in (
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 0),
    ):
        resource.setrlimit(limit, (most, most))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is the player's to answer.
    sys.exit(main(sys.argv[1:]))
