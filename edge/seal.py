"""Seals what lies on the device of a person, and fetches the key that opens it."""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from edge.errors import Broken, EdgeError, Locked
from ground import files

Sealing = Literal["disk", "otp", "credential", "central"]
Carry = dict[str, str | int | list[str]]

FILE = "sealing.key"
CREDENTIAL = "noren-sealing"
KEY = 32
_MARK, _NONCE, _TAG = b"\x01", 12, 16
_HEAD = len(_MARK) + _NONCE
OVER = len(_MARK) + _NONCE + _TAG
"""Bytes by which what is sealed is longer."""
_PLAIN = b"{"
"""What begins so was never sealed: written by an agent that had no key then, and so knew nobody."""
_OTP = ("vcmailbox", "0x00030081", "40", "40", "0", "8", *["0"] * 8)
"""Reads the eight rows of a Raspberry Pi's device private key (Raspberry Pi's documentation, industrial use)."""
_OTP_ROWS = slice(7, 15)


class Seal:
    """AES-256-GCM under one key: byte 1, a random nonce of 12 bytes, ciphertext with its tag.

    `about` (see `about`) is no part of what is kept, and must be the same again: so nothing sealed can be moved to
    another place. Any thread may use it.
    """

    def __init__(self, key: bytes | None = None) -> None:
        self.on_unlock: list[Callable[[], object]] = []
        """Called once there is a key, where there was none."""
        self._aead: AESGCM | None = None
        if key is not None:
            self.unlock(key)

    @property
    def locked(self) -> bool:
        """Whether there is no key yet."""
        return self._aead is None

    def unlock(self, key: bytes) -> None:
        """Take the key, of 32 bytes. Raises EdgeError for any other length."""
        if len(key) != KEY:
            raise EdgeError(f"The sealing key has {len(key)} bytes.", fix=f"It must have {KEY}.")
        was_locked, self._aead = self.locked, AESGCM(key)
        if was_locked:
            for hook in self.on_unlock:
                hook()

    def seal(self, data: bytes, about: bytes) -> bytes:
        """Give what may lie on a disk. Raises Locked."""
        return self.seal_all([data], [about])[0]

    def seal_all(self, data: Sequence[bytes], abouts: Iterable[bytes]) -> list[bytes]:
        """As `seal`, of many at once. Raises Locked."""
        if self._aead is None:
            raise _locked()
        encrypt, random = self._aead.encrypt, os.urandom(_NONCE * len(data))
        nonces = (random[at : at + _NONCE] for at in range(0, len(random), _NONCE))
        return [_MARK + nonce + encrypt(nonce, one, its) for nonce, one, its in zip(nonces, data, abouts, strict=True)]

    def open(self, sealed: bytes, about: bytes) -> bytes:
        """Give what was sealed; what never was, as it is. Raises Locked, and Broken for what is not as we left it."""
        mark = sealed[:1]
        if mark == _PLAIN:
            return sealed
        if self._aead is None:
            raise _locked()
        if mark != _MARK or len(sealed) < OVER:
            raise Broken("It was not sealed by us.")
        try:
            return self._aead.decrypt(sealed[1:_HEAD], sealed[_HEAD:], about)
        except InvalidTag as error:
            raise Broken("It was changed, moved, or sealed with another key.") from error


def about(*words: str | int) -> bytes:
    """Say what is sealed: about("row", store, feed, key, version)."""
    return "\0".join(map(str, words)).encode()


def seal_carry(seal: Seal, carry: Carry, store: str) -> Carry:
    """What a player may keep of whom a scene is for: {"sealed": base64 of the JSON, sealed about("carry", store)}.

    Without a key it goes as it is: then nobody is known, and it holds no customer.
    """
    if seal.locked:
        return carry
    return {"sealed": base64.b64encode(seal.seal(msgspec.json.encode(carry), about("carry", store))).decode()}


def open_carry(seal: Seal, carry: Carry, store: str) -> Carry:
    """What `seal_carry` was given; what is not sealed, as it is. Raises Locked and Broken."""
    sealed = carry.get("sealed")
    if not isinstance(sealed, str):
        return carry
    try:
        opened = seal.open(base64.b64decode(sealed, validate=True), about("carry", store))
        return msgspec.json.decode(opened, type=Carry)
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise Broken("A player gave back what we had not sealed.") from error


def sealing_key(kind: Sealing, folder: Path) -> bytes | None:
    """The key that this device has by itself; None where central releases it. Raises EdgeError."""
    match kind:
        case "disk":
            return _on_disk(folder / FILE)
        case "otp":
            return _derived(_one_time_memory())
        case "credential":
            return _derived(_credential())
        case "central":
            return None


def _derived(secret: bytes) -> bytes:
    """A key for sealing alone, whatever else this secret is for (HKDF, RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=KEY, salt=None, info=b"noren/sealing/v1").derive(secret)


def _on_disk(file: Path) -> bytes:
    try:
        if not file.exists():
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            files.put(file, secrets.token_bytes(KEY))
        key = file.read_bytes()
    except OSError as error:
        said = f"The sealing key {file} cannot be read or made: {error.strerror}."
        raise EdgeError(said, fix="Check the folder's owner and free space.") from error
    if len(key) != KEY:
        said = f"The sealing key {file} has {len(key)} bytes, not {KEY}."
        raise EdgeError(said, fix="Bring it back from a backup, or delete it: what it sealed is then set aside.")
    return key


def _one_time_memory() -> bytes:
    fix = "Write one once, for ever: `rpi-otp-private-key -w $(openssl rand -hex 32)`; or choose another `sealing`."
    try:
        said = subprocess.run(_OTP, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        why = f"This board's one-time memory cannot be read: {error}."
        raise EdgeError(why, fix="It needs a Raspberry Pi, vcmailbox and the group video.") from error
    rows = re.findall(r"0x([0-9a-f]{8})\b", said, re.IGNORECASE)[_OTP_ROWS]
    secret = bytes.fromhex("".join(rows))
    if len(secret) != KEY or not any(secret):
        raise EdgeError("This board's one-time memory holds no private key.", fix=fix)
    return secret


def _credential() -> bytes:
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    fix = f"Make it with `systemd-creds encrypt`, and name it in the unit: LoadCredentialEncrypted={CREDENTIAL}"
    try:
        secret = (Path(folder) / CREDENTIAL).read_bytes() if folder else b""
    except OSError as error:
        raise EdgeError(f"The credential {CREDENTIAL} cannot be read: {error.strerror}.", fix=fix) from error
    if len(secret) < KEY:
        raise EdgeError(f"The credential {CREDENTIAL} is missing or shorter than {KEY} bytes.", fix=fix)
    return secret


def _locked() -> Locked:
    return Locked("What this device keeps is sealed, and central has not released the key yet.", fix="Wait for a link.")
