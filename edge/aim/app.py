"""Looks through one camera of a configuration and says each second what it sees, until it is stopped."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from typing import TextIO

from edge import enrolment, sensing
from edge.aim import words
from edge.aim.page import Page, served
from edge.aim.sight import Aim
from edge.config import Camera, EdgeConfig, SimulatedCamera
from edge.errors import EdgeError, Taken
from edge.sensors import camera as cameras
from edge.sensors.picture import Picture

SHOWN = 600.0
"""Seconds after which a page ends by itself, with whom it was forgotten."""
EVERY = 0.1
"""Seconds between two frames that are looked at; a small board has time for these."""


def aim(
    config: EdgeConfig,
    name: str,
    *,
    page: bool,
    seconds: float | None,
    out: TextIO = sys.stdout,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Aim the camera of this name. Raises EdgeError where there is none, or it cannot be had."""
    sensor = _camera(config, name)
    shown = Page(name) if page else None
    left = min(SHOWN, seconds or SHOWN) if page else seconds
    try:
        with served(shown) if shown else nullcontext("") as address:
            if address:
                _invite(address, left or SHOWN, out)
            _look(sensor, shown, left, out, clock)
    except KeyboardInterrupt:
        pass
    except Taken as error:
        fix = f"{error.fix}. If it is the agent: `systemctl stop noren-edge`, and start it again afterwards."
        raise Taken(error.message, fix=fix) from error
    finally:
        if out.isatty():
            print("\n", file=out)


def _camera(config: EdgeConfig, name: str) -> cameras.Camera:
    found = [one for one in config.sensors if isinstance(one, Camera | SimulatedCamera)]
    wanted = next((one for one in found if one.name == name), None)
    if wanted is None:
        here = ", ".join(one.name for one in found) or "it has none"
        raise EdgeError(f"The configuration has no camera {name!r}.", fix=f"Name one of its cameras: {here}.")
    # What a simulated one sees is its store's.
    store = enrolment.load(config.folder).store if isinstance(wanted, SimulatedCamera) else ""
    [sensor] = sensing.of([wanted], store)
    assert isinstance(sensor, cameras.Camera)
    return sensor


def _look(
    sensor: cameras.Camera, shown: Page | None, seconds: float | None, out: TextIO, clock: Callable[[], float]
) -> None:
    seeing, picture = Aim(), Picture()
    began, looked, told, trouble = clock(), -EVERY, -1.0, ""
    with closing(sensor.frames()) as frames:
        for gray in frames:
            at = clock()
            if seconds is not None and at - began >= seconds:
                return
            if at - looked < EVERY:
                continue
            looked = at
            picture.see(gray, at)  # Which raises where it is frozen; the rest is said here in other words.
            sight = seeing.see(gray, at)
            if sensor.trouble != trouble:
                trouble = sensor.trouble
                if trouble:
                    print(trouble, file=out)
            if shown:
                shown.show(gray, sight, trouble)
            if at - told >= 1:
                told = at
                _renew(words.said(sight, "en"), out)


def _renew(told: words.Said, out: TextIO) -> None:
    """What to do and what is seen, in the place of what was said before, where there is a terminal."""
    if out.isatty():
        width = shutil.get_terminal_size().columns - 1
        print(f"\r\x1b[K{told.first[:width]}\n\x1b[K{words.line(told)[:width]}\x1b[A", end="\r", file=out, flush=True)
    else:
        print(f"{told.first} [{words.line(told)}]", file=out, flush=True)


def _invite(address: str, seconds: float, out: TextIO) -> None:
    print(f"On a phone in the same network, until this ends, in {seconds:.0f} s at the latest: {address}", file=out)
    print("Who has this address sees what the camera sees; nothing is stored.", file=out)
    if out.isatty():
        print("\n".join(_drawn(address)), file=out, flush=True)


def _drawn(address: str) -> Iterator[str]:
    """The address as a code of half blocks, to be read off a terminal; dark on light whatever its colours are."""
    import numpy
    from zxingcpp import BarcodeFormat, create_barcode

    dark = numpy.asarray(create_barcode(address, BarcodeFormat.QRCodeModel2).to_image(scale=1)) < 128
    dark = numpy.pad(dark, ((0, len(dark) % 2), (0, 0)))
    for upper, lower in zip(dark[::2], dark[1::2], strict=True):
        blocks = ("█▀▄ "[2 * top + bottom] for top, bottom in zip(upper, lower, strict=True))
        yield f"\x1b[97;40m{''.join(blocks)}\x1b[0m"
