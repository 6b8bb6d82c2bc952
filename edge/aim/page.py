"""Shows what a camera sees on a page for phones on the same network, to who knows its address, while it is aimed."""

from __future__ import annotations

import base64
import http
import importlib.resources
import re
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import msgspec
import numpy

from edge.aim import words
from edge.aim.sight import Sight
from edge.aim.words import Language
from edge.codes import Gray
from edge.errors import EdgeError

VIEWERS = 3
"""Devices that look at once."""
STAYS = 10.0
"""Seconds for which one counts after it last asked."""
REQUESTS = 8
"""Answered at once; more are turned away unread."""
PATIENCE = 5.0
"""Seconds for who asks slowly."""
WHOLE = 10.0
"""Seconds for a whole request and its answer."""
WIDTH = 640
QUALITY = 70
BESIDE = 1.2
"""How much larger than the code its outline is, so that both are seen."""

_COLOURS = {"good": (90, 160, 40), "fair": (20, 150, 230), "bad": (50, 50, 210), "none": (160, 160, 160)}
"""Of the outline, as OpenCV has them: blue, green, red."""


class Page:
    """The newest frame, with what is to be said of it, for who asks."""

    def __init__(self, camera: str) -> None:
        self.camera = camera
        self.token = secrets.token_urlsafe(16)
        self._newest: tuple[Gray, Sight, str] | None = None
        self._viewers: dict[str, float] = {}
        self._lock = threading.Lock()

    def show(self, gray: Gray, sight: Sight, trouble: str) -> None:
        """From now on this is what is seen."""
        self._newest = gray, sight, trouble

    def admits(self, viewer: str) -> bool:
        """Whether one more may look, or this one still."""
        now = time.monotonic()
        with self._lock:
            self._viewers = {one: at for one, at in self._viewers.items() if now - at < STAYS}
            if viewer not in self._viewers and len(self._viewers) >= VIEWERS:
                return False
            self._viewers[viewer] = now
            return True

    def now(self, language: Language) -> bytes:
        """The newest picture and its words, as JSON."""
        newest = self._newest
        if newest is None:
            return b"{}"
        gray, sight, trouble = newest
        told = words.said(sight, language)
        picture = base64.b64encode(_jpeg(gray, sight, told.state)).decode()
        return msgspec.json.encode({"said": told, "trouble": trouble, "picture": picture})


@contextmanager
def served(page: Page, host: str = "", whole: float = WHOLE) -> Iterator[str]:
    """Serve it as long as this is open; gives its address on the network. Raises EdgeError."""
    try:
        server = _Server((host, 0), page, whole)
    except OSError as error:
        raise EdgeError(f"The page cannot be served: {error.strerror}.", fix="Aim without --page.") from error
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="page", daemon=True)
    thread.start()
    try:
        yield f"http://{host or _own_address()}:{server.server_address[1]}/{page.token}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _own_address() -> str:
    """This device's address on its network, whoever of its interfaces goes there; a UDP socket sends nothing yet."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as to:
        try:
            to.connect(("192.0.2.1", 9))  # An address of documentation (RFC 5737).
        except OSError:
            return socket.gethostname()
        return str(to.getsockname()[0])


def _jpeg(gray: Gray, sight: Sight, state: words.State) -> bytes:
    """The picture, smaller, with the code's outline."""
    share = min(1.0, WIDTH / gray.shape[1])
    small = cv2.resize(gray, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    drawn = cv2.cvtColor(small, cv2.COLOR_GRAY2BGR)
    if sight.held:
        outline = numpy.array(sight.held.corners, numpy.float32) * share
        middle = outline.mean(axis=0)
        outline = middle + (outline - middle) * BESIDE
        corners = outline.round().astype(numpy.int32).reshape(-1, 1, 2)
        for colour, width in (((255, 255, 255), 6), (_COLOURS[state], 3)):
            cv2.polylines(drawn, [corners], isClosed=True, color=colour, thickness=width, lineType=cv2.LINE_AA)
    return cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()


class _Server(ThreadingHTTPServer):
    """Answers a few at once; stands with its page."""

    daemon_threads = True
    request_queue_size = REQUESTS

    def __init__(self, address: tuple[str, int], page: Page, whole: float) -> None:
        self.page = page
        self._whole = whole
        self._free = threading.BoundedSemaphore(REQUESTS)
        super().__init__(address, _Answer)

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # No thread can be had.
            self._free.release()
            raise

    def process_request_thread(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        # Who sends a letter at a time would be within the patience for each, and hold a place for ever.
        over = threading.Timer(self._whole, _hang_up, (request,))
        over.daemon = True
        over.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            over.cancel()
            self._free.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Who went away in between is no error of ours."""


def _hang_up(request: socket.socket | tuple[bytes, socket.socket]) -> None:
    if isinstance(request, socket.socket):
        with suppress(OSError):
            request.shutdown(socket.SHUT_RDWR)


class _Answer(BaseHTTPRequestHandler):
    """One request: GET of the page, or of what is seen now; both only under the page's token."""

    timeout = PATIENCE
    server: _Server
    server_version, sys_version = "Noren", ""

    def do_GET(self) -> None:  # The library's name.
        page = self.server.page
        token, _, name = self.path.removeprefix("/").partition("/")
        if not secrets.compare_digest(token.encode(), page.token.encode()) or name not in ("", "now"):
            self._say(http.HTTPStatus.NOT_FOUND, b"", "text/plain")
            return
        language = preferred(self.headers.get("Accept-Language", ""))
        if not page.admits(self.client_address[0]):
            self._say(http.HTTPStatus.SERVICE_UNAVAILABLE, _BUSY[language].encode(), "text/plain; charset=utf-8")
        elif name == "now":
            self._say(http.HTTPStatus.OK, page.now(language), "application/json")
        else:
            nonce = secrets.token_urlsafe(12)
            here = importlib.resources.files(__package__)
            parts = {
                "NONCE": nonce,
                "LANGUAGE": language,
                "CAMERA": page.camera,
                "CSS": (here / "view.css").read_text(encoding="utf-8"),
                "JS": (here / "view.js").read_text(encoding="utf-8"),
                **_WORDS[language],
            }
            body = re.sub("@([A-Z]+)@", lambda part: parts[part[1]], _HTML)
            self._say(http.HTTPStatus.OK, body.encode(), "text/html; charset=utf-8", nonce)

    def _say(self, status: http.HTTPStatus, body: bytes, kind: str, nonce: str = "") -> None:
        self.send_response(status)
        allowed = f"script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; " if nonce else ""
        for name, value in (
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            (
                "Content-Security-Policy",
                f"default-src 'none'; {allowed}img-src data:; connect-src 'self'; frame-ancestors 'none'",
            ),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name.
        """Nothing: the terminal shows the camera."""


def preferred(header: str) -> Language:
    """Japanese, where it is asked for before English."""
    wanted: list[tuple[float, int, str]] = []
    for place, one in enumerate(header[:500].split(",")):
        name, _, weight = one.strip().partition(";q=")
        try:
            wanted.append((-float(weight or 1), place, name.lower()[:2]))
        except ValueError:
            continue
    best = next((name for _, _, name in sorted(wanted) if name in ("ja", "en")), "en")
    return "ja" if best == "ja" else "en"


_BUSY = {"ja": "ほかの端末で表示中です。", "en": "Others are looking already."}
_WORDS = {
    "ja": {
        "TITLE": "カメラの調整",
        "WAIT": "映像を待っています…",
        "OVER": "表示は終わりました。もう一度 noren edge aim を実行してください。",
        "KEPT": "映像は保存されません。",
    },
    "en": {
        "TITLE": "Aiming",
        "WAIT": "Waiting for the picture…",
        "OVER": "This view has ended. Run `noren edge aim` again.",
        "KEPT": "Nothing of this is stored.",
    },
}

_HTML = """<!doctype html>
<html lang="@LANGUAGE@">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<link rel="icon" href="data:,">
<title>@TITLE@ – @CAMERA@</title>
<style nonce="@NONCE@">
@CSS@</style>
<body data-over="@OVER@">
<main>
  <header><b>@TITLE@</b><span>@CAMERA@</span></header>
  <figure><img id="picture" alt="" hidden></figure>
  <div id="first" class="none" role="status" aria-live="polite">@WAIT@</div>
  <ul id="rows"></ul>
  <p id="trouble" lang="en"></p>
  <p>@KEPT@</p>
</main>
<script nonce="@NONCE@">
@JS@</script>
</body>
</html>
"""
