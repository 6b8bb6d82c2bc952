"""Serves what is on a screen right now as a JPEG, made when somebody asks and once for each picture."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Mapping
from threading import Lock

from fastapi import HTTPException, Response
from PIL import Image

from central.page.mirror import Mirror, runs

_QUALITY = 82


class Pictures:
    """Is asked in threads of the server's, so that nothing waits for a picture to be made."""

    def __init__(self) -> None:
        self.mirrors: Mapping[str, Mirror] = {}
        self._locks: defaultdict[str, Lock] = defaultdict(Lock)
        self._made: dict[str, tuple[tuple[int, int], bytes]] = {}

    def serve(self, screen: str) -> Response:
        """The picture; 404 where there is no such screen, no picture, or no player behind it any more."""
        data = self._jpeg(screen) if screen in self.mirrors else None
        if data is None:
            raise HTTPException(404)
        return Response(data, media_type="image/jpeg", headers={"Cache-Control": "no-store"})

    def _jpeg(self, screen: str) -> bytes | None:
        mirror = self.mirrors[screen]
        with self._locks[screen]:
            head = mirror.glance()
            if head is None or not runs(head.pid):
                return None
            made = self._made.get(screen)
            if made is not None and made[0] == (head.pid, head.count):
                return made[1]
            picture = mirror.look()
            if picture is None:
                return made[1] if made is not None and made[0][0] == head.pid else None
            image = Image.frombytes("RGB", (picture.width, picture.height), picture.rgb)
            file = io.BytesIO()
            image.save(file, "JPEG", quality=_QUALITY)
            self._made[screen] = ((picture.pid, picture.count), file.getvalue())
            return file.getvalue()
