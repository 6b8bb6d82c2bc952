"""Opens what an agent gave a player to carry: for whom a scene is, and how much it may say."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import DecodeError, json

from ground.errors import NorenError

Carry = dict[str, str | int | list[str]]
KEY = "sealing.key"
"""Its name in an agent's folder, where the device's own disk holds it (docs/protocol.md)."""
_FORMAT, _NONCE = b"\x01", 12


class Sealed(NorenError):
    """A carry that none of our keys opens, or that says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What a scene knows of itself; nothing of it where nobody caused it."""

    customers: tuple[str, ...] = ()
    level: int = 0


class Carries:
    """Knows the keys of the agents of some stores."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = {store: AESGCM(key) for store, key in keys.items()}

    def open(self, carry: Carry, store: str) -> Carried:
        """Raises Sealed. A carry that is not sealed is taken as it is: an agent that is locked knows nobody."""
        if "sealed" not in carry:
            return _read(json.encode(carry))
        sealed = carry["sealed"]
        if not isinstance(sealed, str):
            raise Sealed(f"The carry of a scene in {store} is no text.")
        key = self._keys.get(store)
        if key is None:
            raise Sealed(f"There is no key for what the agent in {store} has sealed.")
        try:
            data = b64decode(sealed, validate=True)
            if not data.startswith(_FORMAT):
                raise Sealed(f"The carry of a scene in {store} is of a format that nobody knows.")
            return _read(key.decrypt(data[1 : 1 + _NONCE], data[1 + _NONCE :], b"carry\0" + store.encode()))
        except (binascii.Error, InvalidTag, ValueError) as error:
            raise Sealed(f"The carry of a scene in {store} was sealed with another key, or changed.") from error


def keys(folders: Mapping[str, Path]) -> dict[str, bytes]:
    """The sealing keys that agents keep in these folders, by store; of one that keeps none there, nothing."""
    return {store: (folder / KEY).read_bytes() for store, folder in folders.items() if (folder / KEY).exists()}


def _read(data: bytes) -> Carried:
    try:
        return json.decode(data, type=Carried)
    except DecodeError as error:
        raise Sealed("A carry does not say whom its scene is for.") from error
