"""One headless screen and one set of fonts for all tests of the player, and files to feed it."""

from __future__ import annotations

import hashlib
import io
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

os.environ["PYGAME_HIDE_SUPPORT_PROMPT"] = "1"

import pygame

from signage.config import DisplayConfig
from signage.contract import Scene, Show
from signage.display import Display
from signage.text import Typesetter


@pytest.fixture(scope="session")
def display() -> Iterator[Display]:
    with Display(DisplayConfig(mode="headless", width=1280, height=720)) as display:
        yield display


@pytest.fixture(scope="session")
def letters() -> Counter[str]:
    """What the typesetter counts."""
    return Counter()


@pytest.fixture(scope="session")
def typesetter(display: Display, letters: Counter[str]) -> Iterator[Typesetter]:
    with Typesetter(letters) as typesetter:
        yield typesetter


@pytest.fixture
def counts() -> Counter[str]:
    return Counter()


@pytest.fixture(scope="session")
def png(display: Display) -> Callable[..., bytes]:
    """Make the bytes of a picture of one colour."""

    def make(width: int, height: int, colour: str = "red", kind: str = "png") -> bytes:
        surface = pygame.Surface((width, height))
        surface.fill(pygame.Color(colour))
        file = io.BytesIO()
        pygame.image.save(surface, file, f"made.{kind}")
        return file.getvalue()

    return make


@pytest.fixture(scope="session")
def stored() -> Callable[[Path, bytes], str]:
    """Put bytes into a folder under their hash, and give the hash."""

    def put(folder: Path, data: bytes) -> str:
        folder.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(data).hexdigest()
        (folder / digest).write_bytes(data)
        return digest

    return put


@pytest.fixture(scope="session")
def scene() -> Callable[..., Scene]:
    def make(name: str = "one", **changes: object) -> Scene:
        given: dict[str, object] = {"scene": name, "layout": "notice", "language": "ja", "title": "お知らせ"}
        return Scene(**(given | changes))  # type: ignore[arg-type]  # The tests give what the record takes.

    return make


@pytest.fixture(scope="session")
def show() -> Callable[..., Show]:
    """Make a Show that is decided now."""

    def make(scene: Scene, **changes: object) -> Show:
        now = time.monotonic_ns()
        given: dict[str, object] = {"scene": scene, "cause": "beacon", "trigger_ns": now, "decided_ns": now}
        return Show(**(given | changes))  # type: ignore[arg-type]

    return make
