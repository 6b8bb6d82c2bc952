"""Switches a display on and off over HDMI, by the CEC interface of the Linux kernel (linux/cec.h)."""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Callable
from pathlib import Path

from signage.errors import SignageError

Ioctl = Callable[[int, int, bytearray], int]
"""The one way into the kernel: a file, a request, and a structure that it reads and fills in."""

DEV = Path("/dev")
DRM = Path("/sys/class/drm")

_MSG = struct.Struct("=QQIIII16s7Bx")
"""cec_msg: two times, length, timeout, sequence, flags, 16 bytes, reply, rx_status, tx_status and four counts."""
_LOG_ADDRS = struct.Struct("=4sHBBII15s4s4s4s48sx")
"""cec_log_addrs: addresses, mask, version, count, vendor, flags, name, kinds, types, all types, features."""
_CONNECTOR = struct.Struct("=I2I56x")
"""cec_connector_info: what it is (1: of DRM), its card, its number."""
_PHYS_ADDR = struct.Struct("=H")


def _request(kind: int, number: int, size: int) -> int:
    """_IOC of asm-generic/ioctl.h, as both x86 and Arm have it; the letter of CEC is a."""
    return kind << 30 | size << 16 | ord("a") << 8 | number


_WRITE, _READ = 1, 2
TRANSMIT = _request(_WRITE | _READ, 5, _MSG.size)
G_LOG_ADDRS = _request(_READ, 3, _LOG_ADDRS.size)
S_LOG_ADDRS = _request(_WRITE | _READ, 4, _LOG_ADDRS.size)
G_PHYS_ADDR = _request(_READ, 1, _PHYS_ADDR.size)
G_CONNECTOR_INFO = _request(_READ, 10, _CONNECTOR.size)

_TV, _UNREGISTERED, _EVERYBODY = 0, 15, 15
_INVALID, _NO_PLACE = 0xFF, 0xFFFF
_STANDBY, _IMAGE_VIEW_ON, _ACTIVE_SOURCE = 0x36, 0x04, 0x82
_TX_OK = 1
_PLAYBACK_TYPE, _PLAYBACK_KIND, _PLAYBACK_ALL = 3, 4, 0x10
_VERSION_1_4, _NO_VENDOR, _OR_UNREGISTERED = 5, 0xFFFFFFFF, 1


class NotSwitched(SignageError):
    """A display that did not take what it was told over CEC."""


def switch(device: Path, on: bool, ioctl: Ioctl = fcntl.ioctl) -> None:
    """Wake the display and have it show us, or send it to sleep. May take seconds. Raises NotSwitched."""
    try:
        file = os.open(device, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        fix = "Give the player's user the group video." if isinstance(error, PermissionError) else ""
        raise NotSwitched(f"The CEC adapter {device} cannot be opened: {error.strerror}.", fix=fix) from error
    try:
        ours = _address(file, ioctl)
        if not on:
            _send(file, ioctl, ours, _TV, _STANDBY)
            return
        _send(file, ioctl, ours, _TV, _IMAGE_VIEW_ON)
        place = bytearray(_PHYS_ADDR.size)
        ioctl(file, G_PHYS_ADDR, place)
        (at,) = _PHYS_ADDR.unpack(place)
        if ours != _UNREGISTERED and at != _NO_PLACE:
            _send(file, ioctl, ours, _EVERYBODY, _ACTIVE_SOURCE, at >> 8, at & 0xFF)
    except OSError as error:
        raise NotSwitched(
            f"The CEC adapter {device} does not work: {error.strerror}.", fix="Look at the HDMI cable and the display."
        ) from error
    finally:
        os.close(file)


def adapters(output: str, dev: Path = DEV, drm: Path = DRM, ioctl: Ioctl = fcntl.ioctl) -> list[Path]:
    """The adapters of the display on this connector, or with this number; of all displays where none is named."""
    found = sorted(path for path in dev.glob("cec*") if path.name[3:].isdecimal())
    if not output:
        return found
    if output.isdecimal():
        return [path for path in found if path.name == f"cec{output}"]
    wanted = {_read(path) for path in drm.glob(f"card*-{output}/connector_id")} - {""}
    of = {path: _connector(path, ioctl) for path in found}
    if wanted and any(of.values()):
        return [path for path in found if of[path] in wanted]
    # A kernel that does not tell which is whose numbers them as it does the connectors: HDMI-A-1 is cec0.
    last = output.rpartition("-")[2]
    return [path for path in found if last.isdecimal() and path.name == f"cec{int(last) - 1}"]


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:  # It went while we looked.
        return ""


def _connector(device: Path, ioctl: Ioctl) -> str:
    """The number of the connector that an adapter belongs to, or nothing where the kernel does not tell."""
    told = bytearray(_CONNECTOR.size)
    try:
        file = os.open(device, os.O_RDWR | os.O_CLOEXEC)
        try:
            ioctl(file, G_CONNECTOR_INFO, told)
        finally:
            os.close(file)
    except OSError:
        return ""
    kind, _, number = _CONNECTOR.unpack(told)
    return str(number) if kind == 1 else ""


def _address(file: int, ioctl: Ioctl) -> int:
    """Our logical address; it is claimed, as a player's, if nobody has done so."""
    held = bytearray(_LOG_ADDRS.size)
    ioctl(file, G_LOG_ADDRS, held)
    addresses, _, _, count, *_ = _LOG_ADDRS.unpack(held)
    if count == 0:
        held = bytearray(
            _LOG_ADDRS.pack(
                bytes(4), 0, _VERSION_1_4, 1, _NO_VENDOR, _OR_UNREGISTERED, b"Noren",
                bytes([_PLAYBACK_KIND]), bytes([_PLAYBACK_TYPE]), bytes([_PLAYBACK_ALL]), bytes(48),
            )
        )  # fmt: skip
        ioctl(file, S_LOG_ADDRS, held)
        addresses, *_ = _LOG_ADDRS.unpack(held)
    # A display that sleeps deeply gives no address; the kernel takes a word to it from nobody in particular then.
    return _UNREGISTERED if addresses[0] == _INVALID else int(addresses[0])


def _send(file: int, ioctl: Ioctl, ours: int, to: int, *said: int) -> None:
    message = bytes([ours << 4 | to, *said])
    sent = bytearray(_MSG.pack(0, 0, len(message), 0, 0, 0, message, *bytes(7)))
    ioctl(file, TRANSMIT, sent)
    status = _MSG.unpack(sent)[9]
    if not status & _TX_OK:
        raise NotSwitched(
            f"The display did not take a word over CEC (status {status:#04x}).",
            fix="Switch CEC on in its menu (Anynet+, Bravia Sync, Simplink, Viera Link or the like).",
        )
