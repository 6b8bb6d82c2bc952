"""Lets in what this page itself asks for: no other page in the same browser can press, look, or put us in a frame."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SEAL = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


class Door:
    """Around everything that is served. NiceGUI's own socket takes whoever comes (cors_allowed_origins is "*")."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        """Called so because NiceGUI looks for its application under this name."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return

        async def sealed(message: Message) -> None:
            if message["type"].endswith("http.response.start"):
                MutableHeaders(scope=message).update(_SEAL)
            await send(message)

        # A browser says for whom it asks whenever that is another page than ours, and always on a WebSocket. Reading is
        # refused too: the socket's first answer to a GET is the key to all that follows.
        headers = Headers(scope=scope)
        ours = f"http://{headers.get('host')}"  # Whether that is a name of ours is checked behind this door.
        foreign = any(origin != ours for origin in headers.getlist("origin"))
        app = PlainTextResponse("This is another page's request.", 403) if foreign else self.app
        await app(scope, receive, sealed)
