"""Says what is not right with a device, from what lies on it: one sentence each, with what to do."""

from __future__ import annotations

import importlib.util
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edge import board, broken, enrolment
from edge.config import Camera, EdgeConfig, Keyboard, Serial
from edge.errors import EdgeError
from edge.seal import FILE, sealing_key
from edge.storage import DATABASE

ENDS = timedelta(days=300)
"""Certificates hold 365 days and are renewed 30 days after they were made: one that is older could not be."""
LATELY = timedelta(days=7)


def look(config: EdgeConfig, now: datetime, synced: Callable[[], bool], sys: Path = board.SYS) -> list[str]:
    """Everything that is not right; `now` and `synced` are the device's own clock, `sys` is where sysfs is."""
    looks = (
        _enrolled(config, now),
        _sealed(config),
        _board(config, sys),
        _database(config, now),
        _private(config),
        _cameras(config),
        _scanners(config),
    )
    found = [said for one in looks for said in one]
    if not synced():
        found.append(
            "The clock is not synchronised: customers are not known by it until central's time is heard. "
            "Let NTP out of the store's network, or give the device a clock with a battery."
        )
    return found


def _enrolled(config: EdgeConfig, now: datetime) -> Iterator[str]:
    try:
        certificate = enrolment.own(enrolment.load(config.folder))
    except EdgeError as error:
        yield str(error)
        return
    left = certificate.not_valid_after_utc - now
    if left <= timedelta(0):
        yield "The certificate has ended: no broker lets this device in. Enrol it again: `noren edge enrol CODE`."
    elif left < ENDS:
        yield f"The certificate ends in {left.days} days and was not renewed: the agent needs a link to central."


def _sealed(config: EdgeConfig) -> Iterator[str]:
    if config.sealing == "disk":
        yield (
            "Not protected: the key that seals this device's data lies on the same disk. "
            "Set `sealing` to otp, credential or central."
        )
        return
    if config.sealing == "credential" and "CREDENTIALS_DIRECTORY" not in os.environ:
        return  # systemd shows it to the agent alone.
    try:
        sealing_key(config.sealing, config.folder)
    except EdgeError as error:
        yield str(error)


def _board(config: EdgeConfig, sys: Path) -> Iterator[str]:
    read = board.look(config.folder, sys)
    if read.free is None:
        yield f"The folder {config.folder} cannot be used: is it there, and whose is it?"
    yield from read.troubles


def _database(config: EdgeConfig, now: datetime) -> Iterator[str]:
    path = config.folder / DATABASE
    if not path.exists():
        yield f"There is no database {path} yet: has the agent run here once?"
        return
    at = broken.last(path)
    if at is not None and now - datetime.fromtimestamp(at, UTC) < LATELY:
        yield (
            "A broken database was set aside lately: exchange the card if it happens again. "
            f"It lies in {config.folder} as {DATABASE}.broken-N."
        )
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
            [[said]] = db.execute("PRAGMA quick_check(1)").fetchall()
    except sqlite3.Error as error:
        said = str(error)
    if said != "ok":
        yield f"The database {path} is broken: {said}. The agent sets it aside as it starts."


def _private(config: EdgeConfig) -> Iterator[str]:
    files = [config.folder / name for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", FILE)]
    found = [path for path in (config.folder, *files) if path.exists() and path.stat().st_mode & 0o077]
    if found:
        yield f"Others may read {', '.join(map(str, found))}: `chmod -R go= {config.folder}`."


def _cameras(config: EdgeConfig) -> Iterator[str]:
    cameras = [sensor for sensor in config.sensors if isinstance(sensor, Camera)]
    if not cameras:
        return
    from edge.sensors import capture

    for camera in cameras:
        try:
            capture.usable(camera.device)
        except EdgeError as error:
            yield f"{camera.name}: {error}"
    if importlib.util.find_spec("cv2") is None:
        yield "OpenCV is missing, without which no camera gives a picture: `pip install opencv-python-headless`."
    readers = {"zxingcpp": "zxing-cpp", "pyzbar": "pyzbar"}
    missing = [name for module, name in readers.items() if importlib.util.find_spec(module) is None]
    if missing:
        yield f"Fewer codes are read without {' and '.join(missing)}: `pip install {' '.join(missing)}`."


def _scanners(config: EdgeConfig) -> Iterator[str]:
    for sensor in config.sensors:
        if not isinstance(sensor, Keyboard | Serial):
            continue
        from edge.sensors import keyboard, wired

        try:
            (keyboard if isinstance(sensor, Keyboard) else wired).usable(sensor.device)
        except EdgeError as error:
            yield f"{sensor.name}: {error}"
    if any(isinstance(sensor, Serial) for sensor in config.sensors) and importlib.util.find_spec("serial") is None:
        yield "pyserial is missing, without which no scanner on a serial port is read: `pip install pyserial`."
