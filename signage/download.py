"""Fetches one file by its hash over HTTP: goes on where a try before was cut, verifies while it streams."""

from __future__ import annotations

import functools
import hashlib
import http.client
import os
import ssl
import urllib.error
import urllib.request
from collections import Counter
from contextlib import suppress
from pathlib import Path

PART = ".part"
_TIMEOUT = 10.0
_CHUNK = 1 << 16
_NO_CHECK_TIME = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME: after a power cut this machine may not know what day it is."""


def fetch(folder: Path, source: str, digest: str, most: int, trust: str, counts: Counter[str]) -> int:
    """Fetch what is missing of the file, after what a try before left; give the bytes it has in all, `most` at most.

    `trust` is PEM: who else than the system's authorities may vouch for the source. Raises HTTPError or ValueError for
    this file, other OSErrors and HTTPExceptions for the source or the disk; what came stays for the next try.
    """
    part = folder / (digest + PART)
    tls = _context(source, trust)
    hashed, size = _begun(part, most)
    request = urllib.request.Request(f"{source.rstrip('/')}/{digest}")  # noqa: S310 - `follow` takes http(s) only.
    if size:
        request.add_header("Range", f"bytes={size}-")
    try:
        answer = urllib.request.urlopen(request, timeout=_TIMEOUT, context=tls)  # noqa: S310
    except urllib.error.HTTPError as error:
        if size and error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink()  # What is there is not the beginning of this file; the next try begins anew.
        raise
    with answer, part.open("ab") as file:
        if size and not _continues(answer, size):
            file.truncate(0)
            hashed, size = hashlib.sha256(), 0
        elif size:
            counts["files_resumed"] += 1
        while chunk := answer.read(_CHUNK):
            size += len(chunk)
            if size > most:
                part.unlink()
                raise ValueError(f"it is larger than {most} bytes")
            hashed.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    if answer.length:
        raise http.client.IncompleteRead(b"", answer.length)  # The rest is fetched next time.
    if hashed.hexdigest() != digest:
        part.unlink()
        raise ValueError("its SHA-256 is another one")
    part.rename(folder / digest)
    return size


def _begun(part: Path, most: int) -> tuple[hashlib._Hash, int]:
    """Give the hash and the bytes of what a try before left."""
    hashed, size = hashlib.sha256(), 0
    with suppress(FileNotFoundError), part.open("rb") as file:
        while chunk := file.read(_CHUNK):
            hashed.update(chunk)
            size += len(chunk)
    if size >= most:
        part.unlink()
        return hashlib.sha256(), 0
    return hashed, size


def _continues(answer: http.client.HTTPResponse, size: int) -> bool:
    """Whether this is the rest that was asked for, and not the whole once more."""
    said = answer.headers.get("Content-Range", "")
    return answer.status == http.HTTPStatus.PARTIAL_CONTENT and said.startswith(f"bytes {size}-")


@functools.lru_cache(maxsize=1)
def _context(source: str, trust: str) -> ssl.SSLContext | None:
    """Who may vouch for a source. Raises ssl.SSLError (an OSError) where `trust` is not to be read."""
    if not source.startswith("https://"):
        return None
    tls = ssl.create_default_context()
    tls.minimum_version = ssl.TLSVersion.TLSv1_2
    tls.verify_flags |= _NO_CHECK_TIME
    if trust:
        tls.load_verify_locations(cadata=trust)
    return tls
