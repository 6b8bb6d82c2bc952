"""Takes gray frames from a V4L2 camera, set up as configured, and says what it did not take."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy

from edge.codes import Gray
from edge.config import Camera
from edge.errors import SensorError, Taken

if TYPE_CHECKING:
    import cv2
    from cv2.typing import MatLike

Frames = Callable[[], Generator[Gray, None, None]]
"""Opens a source of frames: blocks until there is a new one, leaves out those that came while nobody asked, frees the
device when closed. Raises SensorError when the source cannot be had, or is no longer there."""

WAITING = 4
"""Frames that a driver keeps for us at most."""
MOST_DAMAGED = 50
"""One after the other."""
AT_HAND = 0.002
"""Seconds within which a frame comes that was there already."""
FEW = 15
"""Frames a second, fewer of which make who holds a code wait."""
BY_ID = Path("/dev/v4l/by-id")

_MANUAL, _AUTOMATIC = 1, (3, 0)
"""V4L2_CID_EXPOSURE_AUTO: webcams know 1 and 3 (aperture priority), some built-in cameras 0."""
_UNITS_A_MS = 10
"""V4L2_CID_EXPOSURE_ABSOLUTE counts in 100 µs."""
_RAW = {"MJPG": "", "YUYV": "COLOR_YUV2GRAY_YUYV", "UYVY": "COLOR_YUV2GRAY_UYVY"}
"""Formats whose gray lies in them, with the name of OpenCV's way to it."""


class Capture:
    """A configured camera; `trouble` says what of its configuration it does not do, while it is open."""

    def __init__(self, config: Camera) -> None:
        self.trouble = ""
        self._config = config

    def frames(self) -> Generator[Gray, None, None]:
        """Open it and give its newest frames. Raises SensorError."""
        path = of_device(self._config.device)
        try:
            import cv2
        except ImportError as error:
            raise SensorError(
                f"{path} cannot be read: OpenCV is missing.", fix="pip install opencv-python-headless"
            ) from error
        usable(self._config.device)
        camera = cv2.VideoCapture(str(path), cv2.CAP_V4L2)
        try:
            if camera.isOpened():
                self.trouble = " ".join(set_up(camera, self._config))
            yield from grays(camera, path)
        finally:
            camera.release()
            self.trouble = ""


def of_device(device: int | Path) -> Path:
    """Where a configuration's device is found."""
    return Path(f"/dev/video{device}") if isinstance(device, int) else device


def usable(device: int | Path, *, known: Path = BY_ID) -> None:
    """Raises SensorError where there is no such device, or this user may not use it."""
    path = of_device(device)
    if not path.exists():
        raise SensorError(f"There is no camera {path}.", fix=_instead(device, known))
    if not os.access(path, os.R_OK | os.W_OK):
        raise SensorError(f"This user may not use the camera {path}.", fix="usermod -aG video USER; then log in again.")


def _instead(device: int | Path, known: Path) -> str:
    # What uvcvideo makes for metadata is no camera: each real one is its camera's index0.
    here = sorted(map(str, known.glob("*-index0"))) if known.is_dir() else []
    if not here:
        return "Plug it in, or name another: v4l2-ctl --list-devices"
    moved = "It may have come back under another number: name it by its path. " if isinstance(device, int) else ""
    return f"{moved}Plug it in, or name one of these: {', '.join(here[:4])}"


def set_up(camera: cv2.VideoCapture, config: Camera) -> Iterator[str]:
    """Set everything, read it back, and give a sentence for each thing that the camera does otherwise."""
    import cv2

    # The size counts once both its numbers were set.
    for setting, value in (
        (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG")),
        (cv2.CAP_PROP_FRAME_WIDTH, config.width),
        (cv2.CAP_PROP_FRAME_HEIGHT, config.height),
        (cv2.CAP_PROP_BUFFERSIZE, 1),
    ):
        camera.set(setting, value)
    width, height = int(camera.get(cv2.CAP_PROP_FRAME_WIDTH)), int(camera.get(cv2.CAP_PROP_FRAME_HEIGHT))
    if (width, height) != (config.width, config.height):
        yield (
            f"The camera {config.name} gives {width}x{height} instead of {config.width}x{config.height}: "
            "set width and height to what it can, see `v4l2-ctl --list-formats-ext`."
        )
    rate = camera.get(cv2.CAP_PROP_FPS)
    if 0 < rate < FEW:
        yield (
            f"The camera {config.name} gives {rate:.0f} pictures a second as {_letters(camera)}: "
            "choose a smaller size, or a port of its own, so that codes are read at once."
        )
    yield from _exposed(camera, config)
    # Unconverted, they are one step from gray instead of three (a third less work at 720p).
    if _letters(camera) in _RAW:
        camera.set(cv2.CAP_PROP_CONVERT_RGB, 0)


def _exposed(camera: cv2.VideoCapture, config: Camera) -> Iterator[str]:
    import cv2

    wanted = config.exposure_ms
    # Cameras keep what was last set, also by others; and some take a fixed time only after they chose one themselves.
    for way in _AUTOMATIC:
        camera.set(cv2.CAP_PROP_AUTO_EXPOSURE, way)
        if camera.get(cv2.CAP_PROP_AUTO_EXPOSURE) == way:
            break
    if wanted is None:
        if camera.get(cv2.CAP_PROP_AUTO_EXPOSURE) == _MANUAL:
            yield f"The camera {config.name} does not choose its exposure itself: set exposure_ms."
        return
    camera.set(cv2.CAP_PROP_AUTO_EXPOSURE, _MANUAL)
    camera.set(cv2.CAP_PROP_EXPOSURE, wanted * _UNITS_A_MS)
    if camera.get(cv2.CAP_PROP_AUTO_EXPOSURE) != _MANUAL:
        yield f"The camera {config.name} takes no fixed exposure and chooses its own: leave exposure_ms out."
        return
    taken = camera.get(cv2.CAP_PROP_EXPOSURE) / _UNITS_A_MS
    if abs(taken - wanted) > max(0.1, 0.2 * wanted):
        yield f"The camera {config.name} exposes for {taken:g} ms instead of {wanted:g} ms: choose what it can."


def _letters(camera: cv2.VideoCapture) -> str:
    import cv2

    return (int(camera.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF).to_bytes(4, "little").decode("ascii", "replace")


def grays(camera: cv2.VideoCapture, path: Path) -> Generator[Gray, None, None]:
    """Each newest frame: one that was waiting in the driver is older than one that had to be waited for."""
    import cv2

    if not camera.isOpened():
        raise Taken(f"{path} is busy, or is no camera.", fix=f"See who has it: fuser {path}")
    raw = _letters(camera) if camera.get(cv2.CAP_PROP_CONVERT_RGB) == 0 else ""
    first, damaged = True, 0
    while damaged < MOST_DAMAGED:
        for _ in range(WAITING):
            asked = time.monotonic()
            if not camera.grab():
                fix = f"Check its cable, and who has it: fuser {path}"
                if first:
                    raise Taken(f"{path} gives no picture: another program may have it.", fix=fix)
                raise SensorError(f"{path} has stopped giving pictures.", fix=fix)
            if time.monotonic() - asked > AT_HAND:
                break
        there, frame = camera.retrieve()
        gray = as_gray(frame, raw) if there else None
        if gray is None:  # Damaged on the way, as happens to MJPG now and then.
            damaged += 1
            continue
        first, damaged = False, 0
        yield gray
    raise SensorError(f"{path} gives damaged pictures only.", fix="Check its cable, and that it has a port of its own.")


def as_gray(frame: MatLike, raw: str) -> Gray | None:
    """The brightness of a frame, which is of the format `raw`, or "" where OpenCV has made it BGR or gray.

    None where it is damaged.
    """
    import cv2

    found: MatLike | None = frame
    try:
        if raw == "MJPG":
            found = cv2.imdecode(frame.reshape(-1), cv2.IMREAD_GRAYSCALE)
        elif frame.ndim == 3:
            found = cv2.cvtColor(frame, getattr(cv2, _RAW[raw]) if raw else cv2.COLOR_BGR2GRAY)
    except cv2.error:
        return None
    return None if found is None else found.astype(numpy.uint8, copy=False)
