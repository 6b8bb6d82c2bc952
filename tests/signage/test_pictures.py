"""Pictures: sizes read from heads, bombs refused, cut to fill, held within a budget."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signage.assets import Assets
from signage.display import Display
from signage.pictures import Pictures, Wanted, measured

GROUND = (237, 230, 217)


@contextmanager
def opened(folder: Path, counts: Counter[str], budget: int = 1 << 24) -> Iterator[Pictures]:
    with Assets(folder, counts) as assets, Pictures(assets, lambda: None, counts, budget) as pictures:
        yield pictures


def grey(width: int, height: int, rows: int) -> bytes:
    """A PNG of so many grey rows, whatever its head promises; thousands of pixels fit into each of its bytes."""
    head = struct.pack(">II5B", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes((width + 1) * rows))), (b"IEND", b"")]
    body = b"".join(struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + body


def test_the_size_is_read_from_the_head(png: Callable[..., bytes]) -> None:
    assert measured(png(30, 20)) == ("png", 30, 20)
    assert measured(png(33, 21, kind="jpg")) == ("jpg", 33, 21)
    webp = b"RIFF\x24\0\0\0WEBP"
    assert measured(webp + b"VP8X\x0a\0\0\0\x10\0\0\0" + b"\x1d\0\0" + b"\x13\0\0") == ("webp", 30, 20)
    assert measured(webp + b"VP8L\x10\0\0\0\x2f" + struct.pack("<I", 29 | 19 << 14) + b"\0" * 8) == ("webp", 30, 20)
    assert measured(webp + b"VP8 \x10\0\0\0\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 30, 20)) == ("webp", 30, 20)


@given(
    st.binary(max_size=60),
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"RIFF1234WEBP", b"\xff\xd8\xff\xe0"]),
)
@settings(max_examples=300)
def test_no_bytes_do_more_than_be_refused(data: bytes, head: bytes) -> None:
    with suppress(ValueError):
        measured(head + data)


def test_a_picture_is_cut_to_fill_its_place(
    display: Display,
    tmp_path: Path,
    counts: Counter[str],
    png: Callable[..., bytes],
    stored: Callable[[Path, bytes], str],
) -> None:
    digest = stored(tmp_path, png(90, 30, "blue"))
    wanted = Wanted(digest, 60, 60, GROUND)
    with opened(tmp_path, counts) as pictures:
        assert pictures.get(wanted) is None
        pictures.finish()
        made = pictures.get(wanted)
        assert made is not None
        assert made.get_size() == (60, 60)
        assert made.get_at((1, 1))[:3] == made.get_at((58, 58))[:3] == (0, 0, 255)
        assert pictures.fresh() == {digest}
        assert pictures.fresh() == set()


@pytest.mark.parametrize(
    "data",
    [grey(4500, 3000, 3000), grey(60000, 60000, 1), grey(200, 200, 1), grey(0, 5, 5), b"GIF89a" + b"\0" * 40, b""],
    ids=["a bomb", "a larger one", "cut short", "of no size", "another kind", "nothing"],
)
def test_what_cannot_be_shown_is_refused_and_counted_once(
    data: bytes, display: Display, tmp_path: Path, counts: Counter[str], stored: Callable[[Path, bytes], str]
) -> None:
    wanted = Wanted(stored(tmp_path, data), 40, 40, GROUND)
    with opened(tmp_path, counts) as pictures:
        for _ in range(3):
            assert pictures.get(wanted) is None
            pictures.finish()
    assert counts["pictures_undecodable"] == 1


def test_a_spoiled_file_is_removed(
    display: Display,
    tmp_path: Path,
    counts: Counter[str],
    png: Callable[..., bytes],
    stored: Callable[[Path, bytes], str],
) -> None:
    digest = stored(tmp_path, png(40, 40))
    (tmp_path / digest).write_bytes(png(41, 41))
    with opened(tmp_path, counts) as pictures:
        assert pictures.get(Wanted(digest, 40, 40, GROUND)) is None
        pictures.finish()
    assert not (tmp_path / digest).exists()
    assert counts["files_spoiled"] == 1


def test_the_least_used_pictures_make_room(
    display: Display,
    tmp_path: Path,
    counts: Counter[str],
    png: Callable[..., bytes],
    stored: Callable[[Path, bytes], str],
) -> None:
    wants = [Wanted(stored(tmp_path, png(50, 50 + number)), 100, 100, GROUND) for number in range(3)]
    with opened(tmp_path, counts, budget=2 * 100 * 100 * 4) as pictures:
        for wanted in wants[:2]:
            pictures.get(wanted)
        pictures.finish()
        assert pictures.get(wants[0]) is not None  # Used last: the other one goes.
        pictures.get(wants[2])
        pictures.finish()
        assert [pictures.get(wanted) is not None for wanted in wants] == [True, False, True]


def test_a_file_that_comes_later_is_made_for_whoever_asked(
    display: Display,
    tmp_path: Path,
    counts: Counter[str],
    png: Callable[..., bytes],
    stored: Callable[[Path, bytes], str],
) -> None:
    data = png(40, 40)
    wanted = Wanted(stored(tmp_path / "elsewhere", data), 20, 20, GROUND)
    with opened(tmp_path, counts) as pictures:
        assert pictures.get(wanted) is None
        pictures.finish()
        assert pictures.get(wanted) is None
        stored(tmp_path, data)
        pictures.arrived(wanted.digest)
        pictures.finish()
        assert pictures.get(wanted) is not None
