"""A batch of photographs, some of which are none: each of those is refused by name and reason, the rest is read."""

from __future__ import annotations

import io
import json
import os
import random
import socket
import struct
import subprocess
import sys
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy
import pytest
from PIL import Image
from zxingcpp import BarcodeFormat, create_barcode

from edge import codes
from edge.errors import SensorError

TREE = Path(__file__).parents[2]


def jpeg() -> bytes:
    """A code on a paper that is not quite even, as paper is."""
    code = numpy.asarray(create_barcode("NOREN-29", BarcodeFormat.QRCodeModel2).to_image(scale=6))
    paper = numpy.pad(code, 40, constant_values=220)
    noisy = paper + numpy.random.default_rng(6).normal(0, 6, paper.shape)
    file = io.BytesIO()
    Image.fromarray(noisy.clip(0, 255).astype(numpy.uint8)).save(file, "JPEG")
    return file.getvalue()


def two_hundred_megapixels() -> bytes:
    """A whole PNG of 20,000 x 10,000 pixels of one bit: small on a disk, not in a memory."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 20_000, 10_000, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(10_000 * (1 + 20_000 // 8)), 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


WHOLE = jpeg()
FILES: Mapping[str, tuple[bytes, str]] = {
    "huge.png": (two_hundred_megapixels(), "has more than 50 megapixels"),
    "truncated.jpg": (WHOLE[: len(WHOLE) // 2], "cannot be read as an image"),
    "no-more-than-a-name.jpg": (WHOLE[:20], "cannot be read as an image"),
    "text.png": ("これは絵ではない。\n".encode() * 500, "cannot be read as an image"),
    "empty.png": (b"", "cannot be read as an image"),
    "noise.jpg": (random.Random(6).randbytes(50_000), "cannot be read as an image"),
    "script.png": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "cannot be read as an image"),
}


def decode(*files: Path) -> tuple[list[dict[str, object]], str, int]:
    done = subprocess.run(
        [sys.executable, "-m", "edge", "decode-images", "--json", *map(str, files)],
        cwd=TREE,
        capture_output=True,
        check=False,
        timeout=120,
    )
    lines = [json.loads(line) for line in done.stdout.decode().splitlines()]
    return lines, done.stderr.decode(), done.returncode


def test_what_is_no_image_is_named_and_the_rest_of_the_batch_is_read(tmp_path: Path) -> None:
    refused = {}
    for name, (content, why) in FILES.items():
        (tmp_path / name).write_bytes(content)
        refused[name] = why
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "loop.png").symlink_to("loop.png")
    refused |= {
        "folder.png": "Is a directory",
        "pipe.png": "is no file",
        "loop.png": "Too many levels of symbolic links",
        "missing.png": "No such file or directory",
    }
    good = [tmp_path / "first.jpg", tmp_path / "last.jpg"]
    for path in good:
        path.write_bytes(WHOLE)
    read, said, status = decode(good[0], *(tmp_path / name for name in refused), good[1])
    assert status == 1
    assert [line["file"] for line in read] == [str(tmp_path / name) for name in ("first.jpg", *refused, "last.jpg")]
    assert read[0]["codes"] == read[-1]["codes"] == [{"format": "QRCode", "text": "NOREN-29"}]
    assert all(line["codes"] == [] for line in read[1:-1])
    sentences = said.splitlines()
    assert len(sentences) == len(refused), said
    for sentence, (name, why) in zip(sentences, refused.items(), strict=True):
        assert str(tmp_path / name) in sentence
        assert why in sentence
    assert "Traceback" not in said


def test_a_name_that_is_no_text_is_no_reason_to_stop(tmp_path: Path) -> None:
    files = [tmp_path / os.fsdecode(b"\xff\xfe.jpg"), tmp_path / "写真.jpg"]
    for file in files:
        file.write_bytes(WHOLE)
    read, _, status = decode(*files)
    assert status == 0
    assert [len(str(line["codes"])) for line in read] == [len(str(read[0]["codes"]))] * 2
    assert read[1]["file"] == str(files[1])


def test_what_would_be_waited_for_is_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "s"))
        for path in (tmp_path / "s", Path("/dev/zero")):
            with pytest.raises(SensorError, match="is no file"):
                codes.of_file(path)


def test_a_file_of_no_cameras_size_is_refused_before_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "large.webp"
    with file.open("wb") as large:
        large.write(b"RIFF\x00\x00\x00\x40WEBPVP8 ")
        large.truncate(codes.MOST_BYTES + 1)
    with pytest.raises(SensorError, match="has more than 256 MB"):
        codes.of_file(file)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_this_user_may_not_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "private.jpg"
    file.write_bytes(WHOLE)
    file.chmod(0)
    with pytest.raises(SensorError, match="Permission denied"):
        codes.of_file(file)
