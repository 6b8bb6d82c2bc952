"""A viewer whose machine sleeps costs nothing meanwhile, and is live again when it wakes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest
from browser.conftest import FLAGS, Seen, watched
from browser.served import Served
from browser.stage import Stage
from browser.test_page import figure, open_page, person, visit
from playwright.sync_api import Browser, Page, Playwright, expect


def chromiums() -> set[psutil.Process]:
    return {each for each in psutil.Process().children(recursive=True) if "chrom" in each.name()}


@pytest.fixture
def sleeper(
    playwright: Playwright, browser: Browser, chromium: str, own: Served, seen: Seen
) -> Iterator[tuple[Page, set[psutil.Process]]]:
    """A page in a browser of its own, and that browser's processes; `browser` is there already and not of them."""
    others = chromiums()
    started = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
    page = watched(started.new_page(viewport={"width": 1440, "height": 900}), seen)
    page.goto("about:blank")
    yield page, chromiums() - others
    started.close()


@contextmanager
def asleep(processes: set[psutil.Process]) -> Iterator[None]:
    for process in processes:
        os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process.pid, signal.SIGCONT)


@pytest.mark.parametrize("until", ["somebody left", "a page was let go"])
def test_who_sleeps_is_live_again(
    own: Served, own_stage: Stage, sleeper: tuple[Page, set[psutil.Process]], until: str
) -> None:
    page, processes = sleeper
    open_page(page, own, "lang=en&store=ginza")
    page.locator("[data-store=umeda]").click()
    expect(page.locator(".store-name")).to_have_text("Umeda")
    with asleep(processes):
        own_stage.happened("umeda", visit(1))
        own.await_log(until)
        own_stage.happened("umeda", visit(2))
        own_stage.person("umeda-Ken", zone="till")
    expect(figure(page, "stored")).to_have_text("2")
    expect(page.locator(".store-name")).to_have_text("Umeda")
    expect(page.locator(".stream li")).to_have_count(2)
    expect(person(page, "umeda-Ken")).to_have_attribute("data-zone", "till")
    own_stage.happened("umeda", visit(3))
    expect(figure(page, "stored")).to_have_text("3")
    expect(page.locator("#popup")).to_be_hidden()
