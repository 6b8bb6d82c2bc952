"""What the page's tests stand on: a stage, the page as a process, and a real Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browser.served import Served, serving
from browser.stage import Stage, empty_database
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

WAIT_MS = 15_000
"""What a busy machine may take."""
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(slots=True)
class Seen:
    """What browsers complained of, and whom they asked."""

    complaints: list[str] = field(default_factory=list)
    hosts: set[str | None] = field(default_factory=set)


@pytest.fixture(scope="session")
def chromium() -> str:
    found = shutil.which("chromium")
    if found is None:
        pytest.fail("There is no chromium on this machine: install chromium (apt-get install chromium).")
    return found


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """For a module: while it is there its event loop counts as running, and no test with one of its own can run."""
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    started = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
    yield started
    started.close()


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty one with the stage's stores, made once: to bring one up to date takes longer than to copy it."""
    return empty_database(tmp_path_factory.mktemp("database"))


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, database: Path) -> Iterator[tuple[Stage, Served]]:
    """One stage and one page for all tests that leave them as they were: a process takes a second to start."""
    folder = tmp_path_factory.mktemp("shared")
    shutil.copy(database, folder)
    with Stage(folder) as stage, serving(stage.socket) as page:
        yield stage, page


@pytest.fixture
def stage(shared: tuple[Stage, Served]) -> Stage:
    """The shared one, as it was at first."""
    shared[0].reset()
    return shared[0]


@pytest.fixture
def served(shared: tuple[Stage, Served]) -> Served:
    return shared[1]


@pytest.fixture
def own_stage(tmp_path: Path, database: Path) -> Iterator[Stage]:
    """For who counts what is stored, or ends the page."""
    shutil.copy(database, tmp_path)
    with Stage(tmp_path) as made:
        yield made


@pytest.fixture
def own(own_stage: Stage) -> Iterator[Served]:
    """To be asked for before `page`, which is then closed before what it shows is gone."""
    with serving(own_stage.socket) as made:
        yield made


@pytest.fixture
def seen() -> Iterator[Seen]:
    """At the end nobody may have complained, and nobody else than this machine may have been asked."""
    made = Seen()
    yield made
    assert made.complaints == []
    assert made.hosts <= {"127.0.0.1"}


def watched(page: Page, seen: Seen) -> Page:
    """The same page, of which everything that goes wrong is noted."""
    page.on("console", lambda said: seen.complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    page.on("request", lambda request: seen.hosts.add(urlsplit(request.url).hostname))
    page.set_default_timeout(WAIT_MS)
    return page


@pytest.fixture
def page(browser: Browser, seen: Seen) -> Iterator[Page]:
    """A viewer's page, closed before what it complained of is looked at."""
    made = watched(browser.new_page(viewport={"width": 1440, "height": 900}), seen)
    yield made
    made.close()


@pytest.fixture
def second(browser: Browser, seen: Seen) -> Iterator[Page]:
    """Another viewer, with nothing shared."""
    made = watched(browser.new_page(viewport={"width": 1280, "height": 720}), seen)
    yield made
    made.close()
