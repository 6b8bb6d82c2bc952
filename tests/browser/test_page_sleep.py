"""A viewer whose machine sleeps costs nothing meanwhile, and is live again when it wakes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psutil
import pytest
from browser.conftest import FLAGS, Seen, watched
from browser.served import Served
from browser.stage import Stage
from browser.test_page import figure, open_page, person, visit
from playwright.sync_api import Browser, Page, Playwright, expect

SECOND_SOCKET = """() => new Promise((closed) => {
    const { constructor, uri, opts } = window.socket.io;
    const other = new constructor(uri, opts).socket('/');
    other.on('connect', () => other.emit('handshake', opts.query, () => { other.disconnect(); closed(); }));
})"""
"""Opens one as a browser does that has waked up, and closes it."""


def chromiums() -> set[psutil.Process]:
    return {each for each in psutil.Process().children(recursive=True) if "chrom" in each.name()}


@dataclass(frozen=True, slots=True)
class Sleeper:
    """A page in a browser of its own, and that browser's processes."""

    page: Page
    processes: set[psutil.Process]

    @contextmanager
    def asleep(self) -> Iterator[None]:
        for process in self.processes:
            os.kill(process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in self.processes:
                os.kill(process.pid, signal.SIGCONT)


@pytest.fixture
def sleepers(
    playwright: Playwright, browser: Browser, chromium: str, own: Served, seen: Seen
) -> Iterator[tuple[Sleeper, Sleeper]]:
    """Two; `browser` is there already and of neither."""
    made: list[Sleeper] = []
    with ExitStack() as stack:
        for _ in range(2):
            others = chromiums()
            started = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
            stack.callback(started.close)
            page = watched(started.new_page(viewport={"width": 1440, "height": 900}), seen)
            page.goto("about:blank")
            made.append(Sleeper(page, chromiums() - others))
        yield made[0], made[1]


def sees(page: Page, events: int, zone: str) -> None:
    """The same store as before, as it is now."""
    expect(figure(page, "stored")).to_have_text(str(events))
    expect(page.locator(".store-name")).to_have_text("Umeda")
    expect(page.locator(".stream li")).to_have_count(events)
    expect(person(page, "umeda-Ken")).to_have_attribute("data-zone", zone)


def test_who_sleeps_is_live_again(own: Served, own_stage: Stage, sleepers: tuple[Sleeper, Sleeper], seen: Seen) -> None:
    """One wakes while its page is still kept for it, the other after that was let go: it asks for a new one."""
    naps, sleeps = sleepers
    for one in sleepers:
        open_page(one.page, own, "lang=en&store=ginza")
        one.page.locator("[data-store=umeda]").click()
        expect(one.page.locator(".store-name")).to_have_text("Umeda")
    with sleeps.asleep():
        with naps.asleep():
            own_stage.happened("umeda", visit(1))
            own.await_log("somebody left")
            own.await_log("somebody left")
            own_stage.happened("umeda", visit(2))
            own_stage.person("umeda-Ken", zone="till")
        sees(naps.page, 2, "till")
        own.await_log("a page was let go")
    sees(sleeps.page, 2, "till")
    own_stage.happened("umeda", visit(3))
    for one in sleepers:
        sees(one.page, 3, "till")
        expect(one.page.locator("#popup")).to_be_hidden()
        one.page.close()
    # What a browser says of a socket that was closed while it slept.
    seen.complaints = [said for said in seen.complaints if "already in CLOSING or CLOSED state" not in said]


def test_who_has_another_socket_already_has_not_left(own: Served, own_stage: Stage, page: Page) -> None:
    open_page(page, own, "lang=en&store=umeda")
    page.evaluate(SECOND_SOCKET)
    for number in (1, 2, 3):
        own_stage.happened("umeda", visit(number))
        sees(page, number, "")
