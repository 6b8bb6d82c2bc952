"""The picture of the screen in a file: what it holds, how it is read, and what happens where it cannot be written."""

from __future__ import annotations

import logging
import os
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pygame import Color, Surface

from signage.display import Display
from signage.mirror import HEADER, Mirror

SECOND = 1_000_000_000


def screen(colour: str, size: tuple[int, int] = (1280, 720)) -> Surface:
    surface = Surface(size)
    surface.fill(colour)
    return surface


def read(path: Path) -> tuple[tuple[int, ...], bytes]:
    """Give width, height, count, time, process and beat, and the pixels."""
    data = path.read_bytes()
    magic, *numbers = HEADER.unpack(data[:64])
    assert magic == b"NORENMIR"
    return tuple(numbers), data[64:]


@pytest.fixture
def path(tmp_path: Path, display: Display) -> Path:
    assert display.watched is False  # The screen's format is known once there is one.
    return tmp_path / "mirrors" / "front"


@pytest.fixture
def mirror(path: Path, counts: Counter[str]) -> Iterator[Mirror]:
    with Mirror(path, counts) as mirror:
        yield mirror


@pytest.mark.parametrize(
    ("size", "small"),
    [((1280, 720), (640, 360)), ((1080, 1920), (640, 1138)), ((640, 480), (640, 480)), ((321, 4095), (321, 4095))],
)
def test_it_holds_the_whole_screen_reduced_to_fit(
    size: tuple[int, int], small: tuple[int, int], path: Path, mirror: Mirror
) -> None:
    picture = screen("red", size)
    picture.fill("blue", (size[0] // 2, 0, size[0], size[1] // 2))
    mirror.follow(lambda: picture, 7, moving=False)
    numbers, pixels = read(path)
    assert numbers == (*small, 2, 7, os.getpid(), 0)
    assert path.read_bytes()[36:64] == bytes(28)
    assert len(pixels) == small[0] * small[1] * 3
    row = small[0] * 3
    # Where it does not divide evenly, the reduction loses a shade.
    for corner, seen in ((pixels[:3], "red"), (pixels[row - 3 : row], "blue"), (pixels[-3:], "red")):
        assert max(abs(is_ - be) for is_, be in zip(corner, Color(seen)[:3], strict=True)) <= 3


def test_only_its_owner_reads_it_and_it_goes_with_the_player(path: Path, counts: Counter[str]) -> None:
    with Mirror(path, counts) as mirror:
        mirror.follow(lambda: screen("red"), 7, moving=False)
        assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == []


def test_each_flip_is_written_once(path: Path, mirror: Mirror) -> None:
    mirror.follow(lambda: screen("red"), 7, moving=False)
    mirror.follow(lambda: screen("blue"), 7, moving=False)
    assert read(path)[1][:3] == b"\xff\0\0"
    mirror.follow(lambda: screen("blue"), 8, moving=False)
    (_, _, count, at_ns, _, _), pixels = read(path)
    assert (count, at_ns, pixels[:3]) == (4, 8, b"\0\0\xff")


def test_a_fade_is_eight_pictures_a_second_and_its_end_and_a_cut_are_there_at_once(path: Path, mirror: Mirror) -> None:
    written = []
    for step in range(60):
        mirror.follow(lambda: screen("red"), SECOND + step * SECOND // 60, moving=True)
        written.append(read(path)[0][3])
    assert 7 <= len(set(written)) <= 8
    mirror.follow(lambda: screen("blue"), 2 * SECOND, moving=False)
    mirror.follow(lambda: screen("red"), 2 * SECOND + 1, moving=True)
    assert read(path)[1][:3] == b"\0\0\xff"
    mirror.follow(lambda: screen("green"), 2 * SECOND + 2, moving=False)
    assert read(path)[0][3] == 2 * SECOND + 2


def test_a_beat_is_eight_bytes_and_the_next_picture_keeps_it(path: Path, mirror: Mirror) -> None:
    mirror.follow(lambda: screen("red"), 7, moving=False)
    before = path.read_bytes()
    mirror.beat(9)
    assert path.read_bytes() == before[:40] + (9).to_bytes(8, "little") + before[48:]
    mirror.follow(lambda: screen("blue"), 10, moving=False)
    assert read(path)[0][2:] == (4, 10, os.getpid(), 9)


READER = """
import mmap, struct, sys
with open(sys.argv[1], "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
    print("ready", flush=True)
    whole = torn = count = 0
    while count < 2 * 400:
        count, = struct.unpack_from("<Q", mapped, 16)
        pixels = mapped[64:]
        if count % 2 == 0 and struct.unpack_from("<Q", mapped, 16) == (count,):
            if pixels == pixels[:3] * (len(pixels) // 3):
                whole += 1
            else:
                torn += 1
    print(whole, torn)
"""


def test_a_reader_that_heeds_the_count_never_takes_half_a_picture(path: Path, mirror: Mirror) -> None:
    red, blue = screen("red"), screen("blue")
    mirror.follow(lambda: red, 1, moving=False)
    with subprocess.Popen([sys.executable, "-c", READER, path], stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
        for number in range(2, 401):
            mirror.follow((lambda: red) if number % 2 else (lambda: blue), number, moving=False)
            mirror.beat(number)
        whole, torn = map(int, reader.stdout.readline().split())
    assert whole
    assert not torn


def test_without_a_path_there_is_none(counts: Counter[str], display: Display) -> None:
    with Mirror(None, counts) as mirror:
        assert not mirror.wanted
        mirror.follow(display.snapshot, 7, moving=False)
        mirror.beat(8)
    assert not counts


def test_a_folder_that_takes_no_files_is_said_once_and_counted_and_it_begins_when_it_does(
    path: Path, mirror: Mirror, counts: Counter[str], caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.write_text("no folder")
    with caplog.at_level(logging.ERROR):
        for at_ns in (1, 2, 2, 3):
            mirror.follow(lambda: screen("red"), at_ns, moving=False)
            mirror.beat(at_ns)
    assert counts["mirror_failed"] == 3
    assert [record.message for record in caplog.records] == ["the mirror cannot be written; playing goes on"]
    path.parent.unlink()
    mirror.follow(lambda: screen("red"), 4, moving=False)
    assert read(path)[0][2:4] == (2, 4)


@contextmanager
def no_more_bytes(most: int = 1000) -> Iterator[None]:
    """What this process writes past the first bytes of a file is refused by the kernel."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_picture_that_cannot_be_written_whole_is_taken_away(path: Path, mirror: Mirror, counts: Counter[str]) -> None:
    mirror.follow(lambda: screen("red"), 1, moving=False)
    with no_more_bytes():
        mirror.follow(lambda: screen("blue"), 2, moving=False)
        assert list(path.parent.iterdir()) == []
        mirror.follow(lambda: screen("red"), 3, moving=False)
        assert list(path.parent.iterdir()) == []
    assert counts["mirror_failed"] == 2
    mirror.follow(lambda: screen("blue"), 4, moving=False)
    (_, _, count, at_ns, _, _), pixels = read(path)
    assert (count % 2, at_ns, pixels[:3]) == (0, 4, b"\0\0\xff")


@pytest.mark.parametrize("most", [40, 44])
def test_a_beat_that_cannot_be_written_is_counted_and_the_next_picture_makes_the_file_again(
    most: int, path: Path, mirror: Mirror, counts: Counter[str], caplog: pytest.LogCaptureFixture
) -> None:
    mirror.follow(lambda: screen("red"), 1, moving=False)
    with caplog.at_level(logging.ERROR), no_more_bytes(most):
        mirror.beat(2)
        assert list(path.parent.iterdir()) == []
        mirror.beat(3)
    assert counts["mirror_failed"] == 1
    assert [record.message for record in caplog.records] == ["the mirror cannot be written; playing goes on"]
    mirror.follow(lambda: screen("blue"), 4, moving=False)
    mirror.beat(5)
    assert read(path)[0][3:] == (4, os.getpid(), 5)


def test_a_folder_that_is_gone_stops_no_beat(path: Path, mirror: Mirror, counts: Counter[str]) -> None:
    mirror.follow(lambda: screen("red"), 1, moving=False)
    path.unlink()
    path.parent.rmdir()
    mirror.beat(2)
    assert not counts


def test_what_a_killed_player_left_is_replaced(path: Path, mirror: Mirror) -> None:
    path.parent.mkdir()
    path.write_bytes(b"old")
    path.with_name("front.part").write_bytes(b"half")
    mirror.follow(lambda: screen("red"), 1, moving=False)
    assert read(path)[0][2:] == (2, 1, os.getpid(), 0)
    assert list(path.parent.iterdir()) == [path]
