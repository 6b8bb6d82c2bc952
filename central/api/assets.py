"""Serves pictures and films by their hash: what lies under a hash never changes."""

from __future__ import annotations

import re
from pathlib import Path

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse

_DIGEST = re.compile(r"[0-9a-f]{64}")
_HEADERS = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


def router(pictures: Path) -> APIRouter:
    routes = APIRouter()

    @routes.api_route("/assets/{digest}", methods=["GET", "HEAD"])
    def asset(digest: str) -> FileResponse:
        file = pictures / digest
        if not _DIGEST.fullmatch(digest) or not file.is_file():
            raise HTTPException(404, "there is no such asset")
        headers = _HEADERS | {"ETag": f'"{digest}"'}
        return FileResponse(file, media_type="application/octet-stream", headers=headers)

    return routes
