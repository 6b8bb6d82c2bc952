"""Reads a chain's mark once and keeps it in the size of the curtain."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path

import pygame
from pygame import Surface

log = logging.getLogger(__name__)

_LARGEST = 4096


@lru_cache(4)
def hung(file: Path, width: int, height: int) -> Surface | None:
    """Give the mark as large as it goes; None, and a line in the log, if the file is no picture."""
    try:
        mark = pygame.image.load(file)
        if not 0 < max(mark.get_size()) <= _LARGEST:
            raise ValueError(f"{mark.get_size()} pixels are too many for a mark")
    except (pygame.error, OSError, ValueError) as error:
        log.error("The mark %s cannot be shown (%s); the chain's name hangs in its place.", file, error)
        return None
    scale = min(width / mark.get_width(), height / mark.get_height())
    size = (max(1, round(mark.get_width() * scale)), max(1, round(mark.get_height() * scale)))
    return pygame.transform.smoothscale(mark.convert_alpha() if pygame.display.get_surface() else mark, size)
