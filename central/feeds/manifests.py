"""Lists the files that screens may need, in parts, each signed."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from central.catalogue import Kept
from central.contract.codec import encode
from central.contract.feeds import Asset, Manifest

Sign: TypeAlias = Callable[[bytes], tuple[bytes, str]]
"""Gives the signature of these bytes by the chain's manifest key, and that key's certificate in PEM."""
DIGITS = "0123456789abcdef"
MOST = 400_000
"""Characters of the list in one part: with what JSON adds when it stands in a row, it fits on a page."""


def made(kept: Mapping[str, Kept], prefix: str, sign: Sign) -> Iterator[tuple[str, Manifest]]:
    """Give the parts for the files whose digests begin so, by their keys; what is too much for one is divided."""
    assets = [Asset(digest=one.digest, size=one.size, kind=one.kind) for _, one in sorted(kept.items())]
    listed = encode(assets).decode()
    if len(listed) > MOST:
        for digit in DIGITS:
            mine = {digest: one for digest, one in kept.items() if digest.startswith(prefix + digit)}
            yield from made(mine, prefix + digit, sign)
    elif assets:
        signature, certificate = sign(signed(prefix, listed))
        encoded = base64.b64encode(signature).decode()
        yield prefix, Manifest(assets=listed, signature=encoded, certificate=certificate)


def signed(key: str, assets: str) -> bytes:
    """What is signed: a part's key, a line end, and its list as it stands."""
    return f"{key}\n{assets}".encode()
