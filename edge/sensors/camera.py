"""Reads codes off a camera's frames, in a thread of its own, and reports each once while it stays in view."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy

from edge import codes
from edge.codes import Code, Gray
from edge.errors import SensorError
from edge.model import Scan, ZoneId
from edge.ports import Deliver

if TYPE_CHECKING:
    import cv2

T = TypeVar("T")

log = logging.getLogger(__name__)

Frames = Callable[[], Generator[Gray, None, None]]
"""Opens a source of frames: blocks until there is a new one, leaves out those that came while nobody asked, frees the
device when closed. Raises SensorError when the source cannot be had, or is no longer there."""

GONE = 1.0
"""Seconds out of view after which a code may be reported again."""
FORCED = 1.0
"""Seconds after which a scene without motion is looked at anyway."""
SECOND_LOOK = 0.25
"""Seconds between two looks by the second reader, which takes 25 to 80 ms on a frame without a code."""
MOST_IN_VIEW = 64
HANGS = 2.0
"""Seconds for which an ending camera's read is waited for; a driver can hang in it for ever."""
WAITING = 4
"""Frames that a driver keeps for us at most."""
MOST_DAMAGED = 50
"""One after the other."""
AT_HAND = 0.002
"""Seconds within which a frame comes that was there already."""

_STEP = 8
_CHANGED = 30
_SHARE = 0.004
"""Motion: every 8th pixel of every 8th row; a share of them that changed by more than sensor noise does."""


class Camera:
    """A source of frames at one reader. `looks` counts the frames that were searched for codes."""

    def __init__(self, name: str, zone: str, frames: Frames, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self.zone = ZoneId(zone)
        self.frames = frames
        self.looks = 0
        self._clock = clock

    async def run(self, deliver: Deliver) -> None:
        """Watch until cancelled, or until the source ends. Raises SensorError when the source fails."""
        loop = asyncio.get_running_loop()
        stop = threading.Event()
        ended: asyncio.Future[BaseException | None] = loop.create_future()

        def watch() -> None:
            try:
                self._watch(loop, deliver, stop)
            except BaseException as error:  # noqa: BLE001 - raised again below.
                hand_over(loop, ended.set_result, error)
            else:
                hand_over(loop, ended.set_result, None)

        # Python waits for every other kind of thread before it ends, also for one that hangs.
        threading.Thread(target=watch, name=self.name, daemon=True).start()
        try:
            await asyncio.wait([ended])
        finally:
            stop.set()
            # The device must be free again before anybody opens it anew.
            await asyncio.wait([ended], timeout=HANGS)
            if not ended.done():
                log.warning("%s hangs and was left so", self.name)
        failed = ended.result()
        if failed is not None:
            raise failed

    def _watch(self, loop: asyncio.AbstractEventLoop, deliver: Deliver, stop: threading.Event) -> None:
        """The thread: look at the newest frame, as long as nobody says stop."""
        view = View()
        motion = Motion()
        looked = looked_twice = -FORCED
        with closing(self.frames()) as frames:
            for gray in frames:
                at = self._clock()
                if stop.is_set():
                    return
                moved = motion.in_frame(gray)
                readers = view.readers(at)
                if not (moved or readers or at - looked >= FORCED):
                    continue
                again = (moved or "zbar" in readers) and at - looked_twice >= SECOND_LOOK
                looked, looked_twice = at, at if again else looked_twice
                self.looks += 1
                motion.keep(gray)
                for code in view.see(codes.read(gray, again=again), at):
                    scan = Scan(at=at, reader=self.name, zone=self.zone, format=code.format, content=code.content)
                    if not hand_over(loop, deliver, scan):
                        return


def hand_over(loop: asyncio.AbstractEventLoop, take: Callable[[T], object], what: T) -> bool:
    """Cross from the camera's thread into the loop; False where it is closed and nobody is left to tell."""
    try:
        loop.call_soon_threadsafe(take, what)
    except RuntimeError:
        return False
    return True


@dataclass(slots=True)
class _Seen:
    """A code in view: when last, in how many frames, by which reader, and whether that was said."""

    at: float = 0.0
    frames: int = 0
    reader: str = ""
    reported: bool = False


class Motion:
    """Tells a frame that differs from the last one looked at, for a thousandth of the price of looking."""

    def __init__(self) -> None:
        self._last: Gray | None = None

    def in_frame(self, gray: Gray) -> bool:
        """Whether something has moved, or the frame has another size than before."""
        few = gray[::_STEP, ::_STEP]
        last = self._last
        if last is None or last.shape != few.shape:
            return True
        changed = numpy.count_nonzero(numpy.maximum(few, last) - numpy.minimum(few, last) > _CHANGED)
        return bool(changed > few.size * _SHARE)

    def keep(self, gray: Gray) -> None:
        """Compare the next frames with this one."""
        self._last = gray[::_STEP, ::_STEP].copy()


class View:
    """Which codes are in view of a reader, and which of them are new."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, bytes], _Seen] = {}

    def readers(self, at: float) -> set[str]:
        """Who read the codes that are in view, or were a moment ago."""
        return {seen.reader for seen in self._seen.values() if at - seen.at < GONE}

    def see(self, found: Iterable[Code], at: float) -> list[Code]:
        """Take the codes of one frame; give those to report now."""
        self._seen = {key: seen for key, seen in self._seen.items() if at - seen.at < GONE}
        news = []
        for key, code in {(code.format, code.content): code for code in found}.items():
            seen = self._seen.pop(key, None) or _Seen()
            seen.at, seen.frames, seen.reader = at, seen.frames + 1, code.reader
            self._seen[key] = seen
            # A misread bar code can have a right check digit; two frames do not misread alike.
            if not seen.reported and seen.frames >= (1 if code.format == "QRCode" else 2):
                seen.reported = True
                news.append(code)
        while len(self._seen) > MOST_IN_VIEW:
            del self._seen[next(iter(self._seen))]
        return news


def capture(device: int) -> Frames:
    """The frames of the V4L2 camera /dev/video<device>, 1280x720 where it can."""
    path = Path(f"/dev/video{device}")

    def frames() -> Generator[Gray, None, None]:
        try:
            import cv2
        except ImportError as error:
            raise SensorError(
                f"{path} cannot be read: OpenCV is missing.", fix="pip install opencv-python-headless"
            ) from error
        if not path.exists():
            raise SensorError(f"There is no camera {path}.", fix="Plug it in, or name another: v4l2-ctl --list-devices")
        if not os.access(path, os.R_OK | os.W_OK):
            raise SensorError(
                f"This user may not use the camera {path}.", fix="usermod -aG video USER; then log in again."
            )
        camera = cv2.VideoCapture(device, cv2.CAP_V4L2)
        try:
            for setting, value in (
                (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG")),
                (cv2.CAP_PROP_FRAME_WIDTH, 1280),
                (cv2.CAP_PROP_FRAME_HEIGHT, 720),
                (cv2.CAP_PROP_BUFFERSIZE, 1),
            ):
                camera.set(setting, value)
            yield from grays(camera, path)
        finally:
            camera.release()

    return frames


def grays(camera: cv2.VideoCapture, path: Path) -> Generator[Gray, None, None]:
    """Each newest frame: one that was waiting in the driver is older than one that had to be waited for."""
    import cv2

    if not camera.isOpened():
        raise SensorError(f"{path} is busy, or is no camera.", fix=f"See who has it: fuser {path}")
    first, damaged = True, 0
    while damaged < MOST_DAMAGED:
        for _ in range(WAITING):
            asked = time.monotonic()
            if not camera.grab():
                said = "gives no picture: another program may have it" if first else "has stopped giving pictures"
                raise SensorError(f"{path} {said}.", fix=f"Check its cable, and who has it: fuser {path}")
            if time.monotonic() - asked > AT_HAND:
                break
        there, frame = camera.retrieve()
        if not there:  # Damaged on the way, as happens to MJPG now and then.
            damaged += 1
            continue
        first, damaged = False, 0
        gray = frame if frame.ndim == 2 else cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
        yield gray.astype(numpy.uint8, copy=False)
    raise SensorError(f"{path} gives damaged pictures only.", fix="Check its cable, and that it has a port of its own.")
