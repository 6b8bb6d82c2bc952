"""Sets the scenes of a day into one picture or one film, with whose they are and when they play."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pygame
from pygame import Color, Rect, Surface

from signage.config import Theme, shade
from signage.errors import NoPreview
from signage.text import Typesetter

_WIDE, _NARROW = 480, 300
"""Pixels of a picture on the sheet, lying and standing."""
_MOST = 60
"""Scenes on one sheet: more would be too small to be looked at."""
_GAP, _TEXT, _NOTE, _HEAD = 32, 20, 17, 30
_RATE = 30
_STAYS, _FADES, _REPEATS = 1.5, 0.2, 0.5
"""Seconds of a scene, of its fade, and after which a picture that stands is given again."""
_BAND = 20
"""The caption under a film is one part in so many of its height."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One scene: how it is drawn, whose it is, and when it plays."""

    picture: Callable[[], Surface]
    said: str
    note: str


def sheet(shots: Sequence[Shot], size: tuple[int, int], head: str, typesetter: Typesetter, theme: Theme) -> Surface:
    """Draw the scenes beside each other, small, in the order in which they come."""
    width = _WIDE if size[0] >= size[1] else _NARROW
    height = width * size[1] // size[0]
    shown = shots[:_MOST]
    columns = max(1, min(len(shown), round((len(shown) * 1.6 * (height + 90) / width) ** 0.5)))
    rows = -(-len(shown) // columns)
    words = 3 * _TEXT + _NOTE
    page = Surface((max(2 * _WIDE, columns * (width + _GAP)) + _GAP, 3 * _GAP + _HEAD + rows * (height + words + _GAP)))
    page.fill(theme.paper)
    left = f"  +{len(shots) - _MOST}" if len(shots) > _MOST else ""
    title = typesetter.fit(head + left, width=page.get_width() - 2 * _GAP, sizes=(_HEAD, _TEXT), bold=True)
    typesetter.draw(page, title, (_GAP, _GAP), Color(theme.ink))
    for index, shot in enumerate(shown):
        x = _GAP + index % columns * (width + _GAP)
        y = 2 * _GAP + _HEAD + index // columns * (height + words + _GAP)
        page.blit(pygame.transform.smoothscale(shot.picture(), (width, height)), (x, y))
        pygame.draw.rect(page, shade(theme.paper, theme.ink), Rect(x, y, width, height), 1)
        said = typesetter.fit(shot.said, width=width, sizes=(_TEXT,), most=2)
        typesetter.draw(page, said, (x, y + height + _NOTE // 2), Color(theme.ink))
        note = typesetter.fit(shot.note, width=width, sizes=(_NOTE,), most=2)
        typesetter.draw(page, note, (x, y + height + _NOTE // 2 + said.height + _NOTE // 3), Color(theme.soft))
    return page


def film(shots: Sequence[Shot], size: tuple[int, int], out: Path, typesetter: Typesetter, theme: Theme) -> None:
    """Write an MP4 (H.264) that shows each scene for a second and a half. Raises NoPreview."""
    import av  # Only here: it takes 30 MB.

    width, height = (side - side % 2 for side in size)  # H.264 halves them for colours.
    band = 2 * (height // _BAND // 2)
    part = out.with_suffix(".part")
    try:
        with av.open(str(part), "w", format="mp4", options={"movflags": "faststart"}) as container:
            stream = container.add_stream("libx264", rate=_RATE, options={"preset": "veryfast", "crf": "20"})
            stream.width, stream.height, stream.pix_fmt = width, height + band, "yuv420p"
            frames = _frames(_captioned(shot, (width, height), band, typesetter, theme) for shot in shots)
            for at, picture in frames:
                data = pygame.image.tobytes(picture, "RGBA")
                frame = av.VideoFrame.from_bytes(data, *picture.get_size(), format="rgba")
                frame.pts, frame.time_base = at, Fraction(1, _RATE)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        part.replace(out)
    except (OSError, av.FFmpegError, ValueError) as error:
        part.unlink(missing_ok=True)
        raise NoPreview(f"The film {out} cannot be written: {error}.", fix="Check its folder.") from error


def _captioned(shot: Shot, size: tuple[int, int], band: int, typesetter: Typesetter, theme: Theme) -> Surface:
    width, height = size
    made = Surface((width, height + band))
    made.fill(theme.ink)
    made.blit(shot.picture(), (0, 0))
    room, letters = band, max(8, band // 2)
    note = typesetter.fit(shot.note, width=width * 45 // 100, sizes=(letters,))
    said = typesetter.fit(shot.said, width=width - note.width - 3 * room, sizes=(letters,))
    y = height + (band - note.height) // 2
    typesetter.draw(made, said, (room, y), Color(theme.paper))
    typesetter.draw(made, note, (width - room - note.width, y), Color(theme.paper))
    return made


def _frames(pictures: Iterator[Surface]) -> Iterator[tuple[int, Surface]]:
    """Give each frame and its number: a fade in full, of a picture that stands one now and then."""
    at, before = 0, None
    stays, fades, repeats = (round(seconds * _RATE) for seconds in (_STAYS, _FADES, _REPEATS))
    for picture in pictures:
        begin = 0
        if before is not None:
            for step in range(1, fades):
                mixed = before.copy()
                picture.set_alpha(255 * step // fades)
                mixed.blit(picture, (0, 0))
                picture.set_alpha(None)
                yield at + step - 1, mixed
            begin = fades - 1
        for step in range(begin, stays, repeats):
            yield at + step, picture
        at, before = at + stays, picture
    if before is not None:
        yield at - 1, before
