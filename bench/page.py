"""Runs the demo with its store page, once unwatched and once watched in a browser; prints one line of JSON."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Page, sync_playwright

from central.page.contract import Opening, Order, State, for_page, line

STORE = "tenjin"
"""The quiet one, where only guests come."""
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
PAINTED = """() => [...document.querySelectorAll('[data-screen]')].every((one) => one.dataset.picture > 0)
    && document.querySelector('[data-figure=inside]')?.textContent"""
OBSERVE = """() => { window.seen = []; for (const one of document.querySelectorAll('[data-screen]'))
    new MutationObserver(() => window.seen.push([one.dataset.screen, Date.now()]))
        .observe(one, { attributes: true, attributeFilter: ['data-picture'] }); }"""


@dataclass(slots=True)
class Measured:
    views_ms: list[float] = field(default_factory=list)
    """From a look in the web shop to the first frame with the product."""
    views_missed: int = 0
    report: dict[str, Any] = field(default_factory=dict)
    page_core: float = 0.0
    page_mb: float = 0.0
    paint_s: float = 0.0
    lags_ms: list[float] = field(default_factory=list)
    """From a frame on the screen to the browser's picture of it."""
    busiest: int = 0
    """The most pictures of one screen in one second: a fade has as many as the page can show."""


class Hand:
    """Presses buttons as a page does, without a browser."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._file = self._socket.makefile("rb")
        self._number = 0
        opening = for_page(self._file.readline())
        assert isinstance(opening, Opening)
        self.shop = next(shop for shop in opening.shops if shop.store == STORE)
        state = for_page(self._file.readline())
        assert isinstance(state, State)
        self.guest = next(one.person for one in state.people if one.guest and one.store == STORE and one.signage)
        threading.Thread(target=self._drain, daemon=True).start()

    def order(self, **what: Any) -> None:
        self._number += 1
        self._socket.sendall(line(Order(order=self._number, **what)))

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)

    def _drain(self) -> None:
        while self._file.readline():
            pass


def main() -> int:
    parser = argparse.ArgumentParser(prog="noren bench page", description=__doc__)
    parser.add_argument("--seconds", type=float, default=40.0, help="of each run")
    parser.add_argument("--rounds", type=int, default=2, help="runs of each kind, in turns")
    given = parser.parse_args()
    runs = [(watch, run(given.seconds, watch=watch)) for _ in range(given.rounds) for watch in (False, True)]
    alone = [one for watch, one in runs if not watch]
    watched = [one for watch, one in runs if watch]
    print(
        json.dumps(
            {
                "done": "the demo with its page, unwatched and watched in turns by a headless Chromium at nice 19",
                "seconds": given.seconds,
                "rounds": given.rounds,
                "first_paint_s": round(max(one.paint_s for one in watched), 2),
                "picture_lag_ms": spread([lag for one in watched for lag in one.lags_ms]),
                "pictures_in_the_busiest_second": max(one.busiest for one in watched),
                "page_core_percent": round(100 * max(one.page_core for one in watched), 1),
                "page_core_percent_unwatched": round(100 * max(one.page_core for one in alone), 1),
                "page_mb": round(max(one.page_mb for one in watched)),
                "views": sum(len(one.views_ms) for _, one in runs),
                "views_missed": sum(one.views_missed for _, one in runs),
                "view_to_shelf_ms": spread([view for _, one in runs for view in one.views_ms]),
                "scan_to_frame_ms_unwatched": [one.report["scan_to_frame_ms"] for one in alone],
                "scan_to_frame_ms_watched": [one.report["scan_to_frame_ms"] for one in watched],
                "sighting_to_frame_ms_unwatched": [one.report["sighting_to_frame_ms"] for one in alone],
                "sighting_to_frame_ms_watched": [one.report["sighting_to_frame_ms"] for one in watched],
                "ratio_watched_to_unwatched": ratio(watched, alone),
            }
        )
    )
    return 0


def ratio(watched: Sequence[Measured], alone: Sequence[Measured]) -> float:
    """Of the medians from a code to its frame; the reference is the demo that nobody watches."""

    def middle(runs: Sequence[Measured]) -> float:
        return sum(float(one.report["scan_to_frame_ms"]["p50"]) for one in runs) / len(runs)

    return round(middle(watched) / middle(alone), 2)


def spread(values: Sequence[float]) -> dict[str, float | None]:
    ordered = sorted(values)
    return {
        f"p{share}": round(ordered[min(len(ordered) - 1, len(ordered) * share // 100)], 1) if ordered else None
        for share in (50, 99)
    }


def run(seconds: float, *, watch: bool) -> Measured:
    """One demo, looked into for all its time but the first and last seconds."""
    measured = Measured()
    with tempfile.TemporaryDirectory() as name, demo(Path(name), seconds, measured) as address:
        hand = Hand(Path(name) / "run" / "page.sock")
        until = time.monotonic() + seconds - 12
        page = of(Path(name))
        spent, began = sum(page.cpu_times()[:2]), time.monotonic()
        if watch:
            with browser(address, measured) as viewer:
                look(hand, measured, until)
                watched(viewer, hand, measured)
        else:
            look(hand, measured, until)
        measured.page_core = (sum(page.cpu_times()[:2]) - spent) / (time.monotonic() - began)
        measured.page_mb = page.memory_info().rss / 1e6
        hand.close()
    return measured


@contextmanager
def demo(folder: Path, seconds: float, measured: Measured) -> Iterator[str]:
    options = ["--headless", "--json", "--page", "--for", str(seconds), "--folder", str(folder)]
    with subprocess.Popen(
        [sys.executable, "-m", "central", "demo", *options],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stderr
        address = ""
        for said in process.stderr:
            found = re.search(r"The store page is at (\S+)", said)
            address = found[1] if found else address
            if said.startswith("The shop is open"):
                break
        yield address
        out, _ = process.communicate()
        measured.report = json.loads(out)


def of(folder: Path) -> psutil.Process:
    """The page's process of the demo in this folder."""
    return next(
        process
        for process in psutil.process_iter(["cmdline"])
        if str(folder / "run" / "page.sock") in (process.info["cmdline"] or [])
    )


@contextmanager
def browser(address: str, measured: Measured) -> Iterator[Page]:
    """A viewer on the store, of the lowest priority: it would be on another machine."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        slow = Path(folder, "chromium")
        slow.write_text(f'#!/bin/sh\nexec nice -n 19 {shutil.which("chromium")} "$@"\n')
        slow.chmod(0o755)
        opened = playwright.chromium.launch(executable_path=slow, args=FLAGS)
        page = opened.new_page(viewport={"width": 1440, "height": 900})
        began = time.monotonic()
        page.goto(f"{address}?lang=ja&store={STORE}", wait_until="commit")
        page.wait_for_function(PAINTED, polling=20)
        measured.paint_s = time.monotonic() - began
        page.evaluate(OBSERVE)
        yield page
        opened.close()


def look(hand: Hand, measured: Measured, until: float) -> None:
    """Have a guest at the shelf look at one product after another in the web shop."""
    shelf = next(screen for screen in hand.shop.screens if screen.zone == "shelf")
    hand.order(what="walk-in", store=STORE, person=hand.guest)
    time.sleep(6)
    for goods in hand.shop.goods:
        if time.monotonic() > until:
            break
        asked = time.monotonic_ns()
        hand.order(what="view", person=hand.guest, sku=goods.sku)
        took = awaited(Path(shelf.journal), goods.sku, asked)
        if took is None:
            measured.views_missed += 1
        else:
            measured.views_ms.append(took)
        time.sleep(0.5)


def awaited(journal: Path, sku: str, since: int) -> float | None:
    """Milliseconds to the first frame with the product; None where there was none for ten seconds."""
    while time.monotonic_ns() < since + 10_000_000_000:
        for one in journal.read_bytes().splitlines()[-8:]:
            said = json.loads(one)
            if said["event"] == "shown" and sku in said.get("items", ()) and said["at_ns"] > since:
                return float(said["at_ns"] - since) / 1e6
        time.sleep(0.005)
    return None


def watched(page: Page, hand: Hand, measured: Measured) -> None:
    """Add up when the browser had which picture."""
    offset_ms = time.time() * 1000 - time.monotonic() * 1000
    seen: dict[str, list[float]] = {}
    for screen, at in page.evaluate("window.seen"):
        seen.setdefault(screen, []).append(float(at))
    for screen in hand.shop.screens:
        times = seen.get(screen.screen, [])
        measured.busiest = max([measured.busiest, *(sum(at <= one < at + 1000 for one in times) for at in times)])
        for one in Path(screen.journal).read_bytes().splitlines():
            said = json.loads(one)
            at = said["at_ns"] / 1e6 + offset_ms
            later = [moment for moment in times if moment >= at]
            if said["event"] == "shown" and times and at > times[0] and later:
                measured.lags_ms.append(later[0] - at)


if __name__ == "__main__":
    sys.exit(main())
