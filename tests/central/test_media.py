"""Pictures and films on their way in: what every screen can show is laid down, all else is refused with its reason."""

from __future__ import annotations

import hashlib
import io
import os
import zlib
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from central_media import bomb, film, picture
from edge_log import NOON
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from central.catalogue import Kept
from central.errors import Unfit
from central.media import heads
from central.media.devices import Device
from central.media.intake import Incoming


def taken(folder: Path, data: bytes, name: str, device: Device = "any") -> list[Kept]:
    with Incoming(folder) as incoming:
        incoming.write(data)
        return incoming.keep(name, device, NOON)


def refused(folder: Path, data: bytes, name: str, device: Device = "any") -> str:
    with pytest.raises(Unfit) as raised:
        taken(folder, data, name, device)
    assert list(folder.iterdir()) == [], "something was left of what was refused"
    assert raised.value.fix
    return str(raised.value)


@pytest.mark.parametrize(("kind", "name"), [("PNG", "a.png"), ("JPEG", "a.JPG"), ("WEBP", "a.webp"), ("PNG", "")])
def test_a_good_picture_is_laid_down_under_its_hash(tmp_path: Path, kind: str, name: str) -> None:
    data = picture(kind)
    (kept,) = taken(tmp_path, data, name)
    assert kept.digest == hashlib.sha256(data).hexdigest()
    assert (kept.width, kept.height, kept.size, kept.name, kept.poster) == (64, 48, len(data), name, None)
    assert [file.name for file in tmp_path.iterdir()] == [kept.digest]
    assert (tmp_path / kept.digest).read_bytes() == data
    assert taken(tmp_path, data, name) == [kept], "a second time is no harm"


def test_a_good_film_comes_with_the_first_picture_that_is_not_black(tmp_path: Path) -> None:
    data = film(tmp_path / "f.mp4", bright=lambda number: 16 if number < 20 else 200).read_bytes()
    folder = tmp_path / "assets"
    kept, poster = taken(folder, data, "春.mp4")
    assert (kept.kind, kept.width, kept.height, kept.seconds) == ("mp4", 320, 180, 1.5)
    assert (kept.poster, poster.kind, poster.name) == (poster.digest, "jpg", "春.jpg")
    with Image.open(folder / poster.digest) as still:
        assert still.size == (320, 180)
        assert still.convert("L").getpixel((160, 90)) == pytest.approx(214, abs=4)
    assert {file.name for file in folder.iterdir()} == {kept.digest, poster.digest}


def test_a_film_that_is_all_black_has_a_poster_too(tmp_path: Path) -> None:
    data = film(tmp_path / "f.mp4", bright=lambda _: 16, frames=5).read_bytes()
    assert len(taken(tmp_path / "assets", data, "f.mp4")) == 2


def test_a_name_that_says_another_kind_is_an_error_that_names_both(tmp_path: Path) -> None:
    said = refused(tmp_path, picture("JPEG"), "spring.png")
    assert said.startswith("spring.png is a JPEG by its content, not a PNG as its name says. Name it spring.jpg")
    assert "ends in .txt" in refused(tmp_path, picture(), "spring.txt")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"GIF89a" + bytes(100), "a GIF"),
        (b"BM" + bytes(100), "a BMP"),
        (b"\0\0\0\x18ftypheic" + bytes(100), "HEIC"),
        (b"\x1aE\xdf\xa3" + bytes(100), "WebM"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"<html>", "HTML"),
        (bytes(500), "none of png, jpg, webp, mp4"),
    ],
)
def test_other_kinds_are_named_and_refused(tmp_path: Path, data: bytes, said: str) -> None:
    assert said in refused(tmp_path, data, "a.png")


@pytest.mark.parametrize("left", [0.2, 0.6, 0.95, -1])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "mp4"])
def test_what_is_cut_off_anywhere_is_refused(tmp_path: Path, kind: str, left: float) -> None:
    data = film(tmp_path / "f.mp4").read_bytes() if kind == "mp4" else picture(kind)
    end = len(data) + int(left) if left < 0 else int(len(data) * left)
    said = refused(tmp_path / "assets", data[:end], "")
    assert any(word in said for word in ("cut off", "damaged", "no frame")), said


# Not WebP: its arithmetic coder makes something of any bits, and so does a player.
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_picture_that_is_damaged_inside_is_refused(tmp_path: Path, kind: str) -> None:
    data = bytearray(picture(kind, (300, 200)))
    middle = len(data) // 2
    data[middle : middle + 400] = b"\xff\xda" * 200
    assert "damaged" in refused(tmp_path, bytes(data), "")


def test_a_film_that_is_damaged_inside_is_refused(tmp_path: Path) -> None:
    data = bytearray(film(tmp_path / "f.mp4", frames=90).read_bytes())
    begins = data.index(b"mdat")
    data[begins + 1500 : begins + 2500] = os.urandom(1000)
    assert "damaged" in refused(tmp_path / "assets", bytes(data), "f.mp4")


def test_a_film_that_says_it_has_more_frames_is_refused(tmp_path: Path) -> None:
    file = film(tmp_path / "f.mp4", frames=90)
    with av.open(str(file)) as container:
        end = [packet.pos for packet in container.demux() if packet.size][60]
    assert end is not None
    data = bytearray(file.read_bytes()[:end])
    begins = data.index(b"mdat") - 4
    data[begins : begins + 4] = (len(data) - begins).to_bytes(4, "big")
    assert "60 of its 90 frames are there" in refused(tmp_path / "assets", bytes(data), "f.mp4")


@pytest.mark.parametrize("size", [(50_000, 50_000), (4097, 3072), (2**31 - 1, 2**31 - 1), (1, 12_582_913)])
def test_a_bomb_is_known_by_its_head(tmp_path: Path, size: tuple[int, int]) -> None:
    assert "pixels" in refused(tmp_path, bomb(*size), "bomb.png")


def test_a_bomb_of_words_is_refused(tmp_path: Path) -> None:
    data = bytearray(picture())
    words = b"Comment\0\0" + zlib.compress(bytes(200 << 20))
    chunk = len(words).to_bytes(4, "big") + b"zTXt" + words
    chunk += zlib.crc32(b"zTXt" + words).to_bytes(4, "big")
    data[33:33] = chunk
    assert refused(tmp_path, bytes(data), "words.png")


def pictures_that_players_show_wrongly() -> dict[str, tuple[bytes, str]]:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    moving: dict[str, Any] = {"save_all": True, "append_images": frames[1:]}
    made: dict[str, bytes] = {}
    for kind in ("WEBP", "PNG"):
        out = io.BytesIO()
        frames[0].save(out, kind, **moving)
        made[kind] = out.getvalue()
    turned = Image.Exif()
    turned[0x0112] = 6
    return {
        "moving WebP": (made["WEBP"], "it moves"),
        "moving PNG": (made["PNG"], "it moves"),
        "for print": (picture("JPEG", mode="CMYK"), "for print"),
        "turned": (picture("JPEG", exif=turned.tobytes()), "turned"),
    }


@pytest.mark.parametrize("name", pictures_that_players_show_wrongly())
def test_what_players_would_show_wrongly_is_refused(tmp_path: Path, name: str) -> None:
    data, said = pictures_that_players_show_wrongly()[name]
    assert said in refused(tmp_path, data, "")


@pytest.mark.parametrize(
    ("how", "device", "said"),
    [
        ({"size": (1920, 1080)}, "any", "1920 × 1080 pixels, and every device plays up to 1280 × 720"),
        ({"size": (1920, 1080)}, "pi3", "a Pi 3 plays up to 1280 × 720"),
        ({"size": (1922, 1080)}, "pi4", "a Pi 4 plays up to 1920 × 1080"),
        ({"size": (3840, 2160)}, "pi5", "3840 × 2160"),
        ({"fps": 60}, "pi5", "60 frames a second"),
        ({"codec": "libx265"}, "any", "HEVC, and every device plays H.264"),
        ({"codec": "libx265"}, "pi4", "HEVC"),
        ({"codec": "mpeg4"}, "any", "mpeg4"),
        ({"pixels": "yuv444p"}, "any", "yuv444p"),
        ({"ratio": Fraction(4, 3)}, "any", "not square"),
    ],
)
def test_a_film_that_the_device_could_not_play_is_refused(
    tmp_path: Path, how: dict[str, Any], device: Device, said: str
) -> None:
    data = film(tmp_path / "f.mp4", frames=8, **how).read_bytes()
    refusal = refused(tmp_path / "assets", data, "f it's.mp4", device)
    assert said in refusal
    assert """ffmpeg -i 'f it'"'"'s.mp4' """ in refusal, "and how to make one that it plays"


@pytest.mark.parametrize(
    ("how", "device"),
    [
        ({"size": (1920, 1080)}, "pi4"),
        ({"size": (1080, 1920)}, "pi4"),
        ({"size": (720, 1280)}, "any"),
        ({"size": (1920, 1080), "codec": "libx265"}, "pi5"),
        ({"fps": 25}, "pi3"),
    ],
)
def test_a_film_that_the_device_can_play_is_taken(tmp_path: Path, how: dict[str, Any], device: Device) -> None:
    data = film(tmp_path / "f.mp4", frames=8, **how).read_bytes()
    kept, _ = taken(tmp_path / "assets", data, "f.mp4", device)
    assert (kept.width, kept.height) == how.get("size", (320, 180))


def test_a_quicktime_film_is_refused_although_it_begins_alike(tmp_path: Path) -> None:
    data = film(tmp_path / "f.mov", container="mov").read_bytes()
    assert "QuickTime" in refused(tmp_path / "assets", data, "f.mov")


def test_a_file_with_sound_only_is_no_film(tmp_path: Path) -> None:
    data = film(tmp_path / "f.mp4").read_bytes().replace(b"vide", b"soun")
    assert refused(tmp_path / "assets", data, "f.mp4")


def test_one_byte_too_many_is_refused_before_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = picture()
    monkeypatch.setitem(heads.MOST, "png", len(data) - 1)
    assert "players take" in refused(tmp_path, data, "a.png")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=120), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF    WEBP", b"    ftyp"])
)
def test_no_bytes_break_the_look_at_a_head(tmp_path: Path, data: bytes, begins: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(begins + data)
    with suppress(Unfit):
        assert heads.kind(file, "") in heads.MOST


def test_a_film_of_nothing_but_parts_is_not_read_to_its_end(tmp_path: Path) -> None:
    data = b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\x08free" * 100_001
    assert "more than 100000 parts" in refused(tmp_path, data, "")
