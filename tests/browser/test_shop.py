"""Every button of the store page on a real demo: what is pressed happens, and nothing is lost by it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from central.demo.report import ZEROS

ROOT = Path(__file__).parents[2]
SOON = 60_000
"""Milliseconds for what a busy machine may take; how long it takes elsewhere, `bench page` measures."""


@dataclass(frozen=True, slots=True)
class Demo:
    process: subprocess.Popen[str]
    folder: Path
    url: str

    def shown(self, screen: str) -> list[dict[str, object]]:
        """What was on a screen, from its journal."""
        lines = (self.folder / "journals" / f"{screen}.jsonl").read_text(encoding="utf-8").splitlines()
        return [line for line in map(json.loads, lines) if line["event"] == "shown"]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    folder = tmp_path / "demo"
    options = ["--headless", "--json", "--page", "--for", "1200", "--folder", str(folder)]
    with subprocess.Popen(
        # Whoever runs us in the background has SIGINT ignored.
        ["env", "--default-signal=INT", sys.executable, "-m", "central", "demo", *options],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        said, url = [], ""
        assert process.stderr
        for line in process.stderr:
            said.append(line)
            found = re.search(r"The store page is at (\S+)", line)
            url = found[1] if found else url
            if line.startswith("The shop is open"):
                break
        else:
            pytest.fail("".join(said))
        yield Demo(process, folder, url)
        process.kill()


def press(page: Page, button: str) -> None:
    found = page.locator(f"[data-button='{button}']")
    expect(found).to_be_enabled(timeout=SOON)
    found.click()


def why(page: Page, screen: str) -> Locator:
    return page.locator(f"[data-screen={screen}]")


def healed(page: Page, faults: int) -> None:
    """So many were caused, and the last is over."""
    expect(page.locator("[data-figure=faults_made]")).to_have_text(str(faults), timeout=SOON)
    expect(page.locator("[data-fault]").first).to_have_attribute("data-healed", "true", timeout=SOON)


def talk_to_the_screens(page: Page, demo: Demo) -> str:
    """Use every button that moves a guest; give who was moved."""
    # On a busy machine the agents get more time before the scenario begins, and the page with them.
    expect(page.locator("[data-guest]").first).to_be_visible(timeout=SOON)
    guest = page.locator("[data-guest]").first.get_attribute("data-guest")
    assert guest is not None
    press(page, "walk-in")
    expect(page.locator(f"[data-person='{guest}']")).to_have_attribute("data-zone", "shelf", timeout=SOON)
    expect(why(page, "tenjin-shelf")).to_contain_text("member near", timeout=SOON)
    assert demo.shown("tenjin-shelf")[-1]["cause"] == "beacon"
    goods = page.get_by_role("combobox")
    goods.click()
    goods.fill("wallet")
    page.get_by_role("option").first.click()
    press(page, "view")
    expect(page.locator("[data-screen=tenjin-shelf] .tv-viewed")).to_contain_text("Just seen online", timeout=SOON)
    press(page, "presence")
    expect(page.locator("[data-button=presence]")).to_have_attribute("aria-checked", "false", timeout=SOON)
    expect(why(page, "tenjin-shelf")).to_contain_text("Loop", timeout=SOON)
    press(page, "presence")
    expect(why(page, "tenjin-shelf")).to_contain_text("member near", timeout=SOON)
    press(page, "code")
    expect(why(page, "tenjin-till")).to_contain_text("Code shown", timeout=SOON)
    press(page, "meet")
    expect(why(page, "tenjin-shelf")).to_contain_text("2 members near", timeout=SOON)
    return guest


def break_everything(page: Page) -> int:
    """Use every button that breaks something, and wait until it is over; give how many there were."""
    press(page, "network")
    expect(page.locator("[data-button=network]")).to_have_attribute("data-state", "cut", timeout=SOON)
    press(page, "network")
    healed(page, 1)
    parts = ("edge-tenjin", "signage-tenjin-shelf", "signage-tenjin-till", "broker", "central")
    for faults, part in enumerate(parts, start=2):
        press(page, f"kill-{part}")
        healed(page, faults)
    disk = page.locator("[data-button=disk]")
    if disk.get_attribute("title"):  # A machine that lets nobody mount says so there.
        return 1 + len(parts)
    press(page, "disk")
    expect(disk).to_have_attribute("data-state", "full", timeout=SOON)
    press(page, "kill-edge-tenjin")  # What happens then is kept in the room that it has kept back.
    healed(page, 3 + len(parts))
    press(page, "disk")
    expect(page.locator("[data-fault][data-healed=false]")).to_have_count(0, timeout=SOON)
    return 3 + len(parts)


@pytest.mark.system
def test_every_button_does_what_it_says_and_nothing_is_lost(demo: Demo, page: Page) -> None:
    page.goto(f"{demo.url}/?lang=en&store=tenjin")
    guest = talk_to_the_screens(page, demo)
    faults = break_everything(page)
    press(page, "leave")
    expect(page.locator(f"[data-person='{guest}']")).to_have_attribute("data-zone", "", timeout=SOON)
    page.close()
    demo.process.send_signal(signal.SIGINT)
    said, rest = demo.process.communicate()
    report = json.loads(said)
    assert [report[name] for name in ZEROS] == [0] * len(ZEROS), rest
    assert demo.process.returncode == 0, rest
    assert report["faults"] == faults
    assert report["events_made"] == report["events_stored"] > 10
