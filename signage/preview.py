"""Draws one scene to a PNG, by the renderer of the screen."""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import msgspec

from signage import layouts
from signage.assets import Assets
from signage.config import DisplayConfig, Theme
from signage.contract import Scene
from signage.display import Display, save
from signage.errors import BadScene
from signage.pictures import Pictures
from signage.text import Typesetter


def draw(file: Path, out: Path, size: tuple[int, int], folder: Path | None, theme: Theme) -> None:
    """Draw the scene in `file` to `out`, with the pictures in `folder`. Raises BadScene, NoFont."""
    scene = _read(file)
    counts: Counter[str] = Counter()
    with ExitStack() as open_:
        empty = Path(open_.enter_context(tempfile.TemporaryDirectory()))
        display = open_.enter_context(Display(DisplayConfig(mode="headless", width=size[0], height=size[1])))
        typesetter = open_.enter_context(Typesetter(counts))
        assets = open_.enter_context(Assets(folder or empty, counts))
        pictures = open_.enter_context(Pictures(assets, lambda: None, counts))
        frame = display.frame()
        layouts.draw(frame, scene, pictures, typesetter, theme)  # Asks for the pictures.
        pictures.finish()
        layouts.draw(frame, scene, pictures, typesetter, theme)
        save(frame, out)


def _read(file: Path) -> Scene:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Scene)
    except OSError as error:
        raise BadScene(f"The scene {file} cannot be read: {error.strerror}.", fix="Give the path of a file.") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadScene(f"{file} is no scene: {error}.", fix="signage/contract.py describes one.") from error
