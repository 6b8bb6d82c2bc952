"""Serves the store page: opens what the demo names once it is there, and ends with it or at SIGTERM."""

from __future__ import annotations

import asyncio
import signal
import socket as sockets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import uvicorn
from fastapi import FastAPI, Request
from fastapi.middleware.trustedhost import TrustedHostMiddleware
from msgspec import json
from nicegui import Client, ui

from central.errors import CentralError
from central.page.door import Door
from central.page.link import COMES_S, Demo
from central.page.pictures import Pictures
from central.page.tags import Tag
from central.page.view import View
from central.page.watch import Watch
from central.page.words import Language, say
from central.storage.database import open_database
from ground import log as logs

HOST = "127.0.0.1"
"""Nobody but this machine: the page breaks things at the push of a button."""
_HERE = Path(__file__).parent
_STYLES = ("style", "shop", "panels", "side", "narrow")
"""In this order: what comes later has the last word."""
_AGAIN_S = 0.5


class NoDemo(CentralError):
    """There is no demo at the socket."""


def run(socket: Path, port: int) -> None:
    """Serve until SIGTERM or until the demo's socket is closed for good. Raises NoDemo where there was none."""
    logs.set_up("info")
    asyncio.run(_run(socket, port))


async def _run(socket: Path, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    demo = Demo(socket)
    with _listening(port) as listening:
        house = _House(demo)
        server = _Server(
            uvicorn.Config(
                _build(house), access_log=False, log_config=None, server_header=False, timeout_graceful_shutdown=1
            )
        )
        serves = asyncio.create_task(server.serve([listening]), name="http")
        lives = asyncio.create_task(house.live(), name="demo")
        stops = asyncio.create_task(stop.wait())
        announces = asyncio.create_task(_announce(server, listening.getsockname()[1]))
        await asyncio.wait((serves, lives, stops), return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serves
        for task in (lives, stops, announces):
            task.cancel()
        await asyncio.wait((lives,))
    if not lives.cancelled():
        lives.result()
        if not demo.met.is_set():
            raise NoDemo(f"No demo answers at {socket}.", fix=f"Start ./noren demo; it was waited for {COMES_S:g} s.")


async def _announce(server: _Server, port: int) -> None:
    await server.up.wait()
    sys.stdout.write(json.encode({"ready": True, "http": port}).decode() + "\n")
    sys.stdout.flush()


class _House:
    """What there is to see: nothing until the demo has said what."""

    def __init__(self, demo: Demo) -> None:
        self.demo = demo
        self.watch: Watch | None = None
        self.pictures = Pictures()

    async def live(self) -> None:
        """Follow the demo to its end."""
        listens = asyncio.create_task(self.demo.run(), name="listens")
        met = asyncio.create_task(self.demo.met.wait())
        try:
            await asyncio.wait((listens, met), return_when=asyncio.FIRST_COMPLETED)
            if met.done():
                await self._open(listens)
            await listens
        finally:
            for task in (listens, met):
                task.cancel()

    async def _open(self, listens: asyncio.Task[None]) -> None:
        engine = await asyncio.to_thread(open_database, self.demo.opening.url)
        try:
            self.watch = Watch(self.demo, engine)
            screens = [live for store in self.watch.stores.values() for live in store.screens]
            self.pictures.mirrors = {live.screen.screen: live.mirror for live in screens}
            watches = asyncio.create_task(self.watch.run(), name="watch")
            await asyncio.wait((watches, listens), return_when=asyncio.FIRST_COMPLETED)
            watches.cancel()
            await asyncio.wait((watches,))
            if not watches.cancelled():
                watches.result()
        finally:
            engine.dispose()


def _build(house: _House) -> Door:
    style = "".join((_HERE / f"{name}.css").read_text() for name in _STYLES)
    ui.add_head_html(f"<style>{style}</style><script>{(_HERE / 'page.js').read_text()}</script>", shared=True)

    @ui.page("/")
    def _(request: Request, client: Client, lang: str = "", store: str = "") -> None:
        language = cast(Language, lang) if lang in ("ja", "en") else _preferred(request)
        if house.watch is None:
            Tag("p", say(language, "not_open"), "banner", lang=language)
            ui.timer(_AGAIN_S, lambda: client.run_javascript("location.reload()") if house.watch else None)
            return
        stores = list(house.watch.stores)
        view = View(client, house.demo, house.watch, language, store if store in stores else stores[0])
        client.on_connect(view.join)
        client.on_disconnect(view.lost)
        client.on_delete(view.let_go)
        ui.on("looks", lambda event: view.looks(looks=event.args is True))

    api = FastAPI(openapi_url=None)
    # No name that somebody else's page has pointed at this machine.
    api.add_middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])
    api.add_api_route("/screen/{screen}", house.pictures.serve)
    ui.run_with(
        api,
        title="Noren",
        favicon=_HERE / "noren.svg",
        tailwind=False,
        binding_refresh_interval=None,
        show_welcome_message=False,
        gzip_middleware_factory=None,
    )
    return Door(api)


def _preferred(request: Request) -> Language:
    """Japanese, unless the browser asks for another language first."""
    wanted = request.headers.get("accept-language", "ja")
    return "ja" if wanted.strip().lower().startswith("ja") else "en"


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[sockets.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # Signals are ours: the rest has to end too, with exit code 0.


@contextmanager
def _listening(port: int) -> Iterator[sockets.socket]:
    with sockets.socket() as listening:
        listening.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, port))
        except OSError:
            listening.bind((HOST, 0))  # A taken port is no reason for no page; which one it is, is printed.
        yield listening
