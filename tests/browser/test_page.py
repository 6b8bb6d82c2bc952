"""The store page in a real Chromium: it loads, lives, obeys, and tells when something is gone."""

from __future__ import annotations

import signal
from os import kill
from pathlib import Path
from shutil import copy
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from browser.conftest import Seen
from browser.served import Served, serving
from browser.stage import DISKS, Stage
from playwright.sync_api import Locator, Page, expect

from central.contract.events import CrowdCounted, Scanned, VisitStarted
from central.page.contract import Order, Person

HIDE = """(hidden) => {
    Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
    document.dispatchEvent(new Event('visibilitychange'));
}"""
SAKURA, KEN = "ginza-さくら", "ginza-Ken"


def open_page(page: Page, served: Served, query: str = "lang=en&store=ginza") -> None:
    page.goto(f"{served.url}?{query}")
    expect(figure(page, "inside")).not_to_be_empty()
    # What is pressed before the socket is there waits for it; the chart is only put up after that.
    expect(page.locator(".times-chart canvas")).to_be_visible()


def figure(page: Page, name: str) -> Locator:
    return page.locator(f"[data-figure={name}]")


def press(page: Page, button: str) -> None:
    page.locator(f"[data-button='{button}']").click()


def person(page: Page, who: str) -> Locator:
    return page.locator(f"[data-person='{who}']")


def visit(number: int) -> VisitStarted:
    return VisitStarted(visit=f"v{number}", customer="c-1", zone="shelf", means="beacon")


def test_people_walk_agree_and_leave(page: Page, served: Served, stage: Stage) -> None:
    open_page(page, served)
    expect(figure(page, "inside")).to_have_text("4 in the store now")
    expect(person(page, "ginza-みどり")).to_have_attribute("data-consent", "presence_only")
    stage.enter(
        Person(
            person="new",
            store="ginza",
            zone="entrance",
            label="",
            member=True,
            beacon=True,
            presence=True,
            signage=True,
            guest=False,
            code=False,
        )
    )
    expect(person(page, "new")).to_have_attribute("data-consent", "both")
    expect(person(page, "new")).to_have_css("opacity", "1")
    expect(figure(page, "inside")).to_have_text("5 in the store now")
    before = person(page, "new").bounding_box()
    stage.person("new", zone="till", code=True, presence=False)
    expect(person(page, "new")).to_have_attribute("data-zone", "till")
    expect(person(page, "new")).to_have_attribute("data-consent", "signage_only")
    expect(person(page, "new").locator(".person-code")).to_be_visible()
    assert before is not None
    page.wait_for_function(
        "x => document.querySelector('[data-person=new]').getBoundingClientRect().x > x + 200", arg=before["x"]
    )
    stage.go("new")
    expect(person(page, "new")).to_have_count(0)


def test_a_picture_is_shown_as_soon_as_it_is_drawn_and_says_why(page: Page, served: Served, stage: Stage) -> None:
    open_page(page, served)
    tile = page.locator("[data-screen=ginza-shelf]")
    expect(tile.locator(".tv-why")).to_have_text("Loop: campaign")
    for _ in range(3):
        seen = int(tile.get_attribute("data-picture") or 0)
        stage.shown("ginza-shelf", "recommendation", "beacon", level=1, people=2, took_ms=50, draws="shelf-en")
        expect(tile).to_have_attribute("data-picture", str(seen + 1))
    expect(tile.locator(".tv-why")).to_have_text("Beacon: 2 members near")
    expect(tile.locator(".tv-level")).to_have_text("Level 1, no names")
    expect(tile.locator(".tv-took")).to_have_text("50 ms after decision")
    expect(page.locator("[data-times=beacon]")).to_contain_text("p50 50 ms")
    stage.shown("ginza-till", "greeting", "scan", level=2, people=1, took_ms=50, draws="till-en")
    till = page.locator("[data-screen=ginza-till]")
    expect(till.locator(".tv-why")).to_have_text("Code shown: greeting")
    expect(till.locator(".tv-took")).to_have_text("70 ms after scan")
    expect(till.locator(".tv-name time")).to_have_text("1 s ago")


def test_a_dead_players_last_picture_is_not_shown(page: Page, served: Served, stage: Stage) -> None:
    open_page(page, served)
    tile = page.locator("[data-screen=ginza-shelf]")
    expect(tile.locator("img")).to_be_visible()
    stage.glasses["ginza-shelf"].stop()
    stage.part("signage-ginza-shelf", up=False)
    expect(tile).to_have_attribute("data-live", "false")
    expect(tile.locator("img")).to_have_count(0)
    expect(tile).to_contain_text("The player is dead")
    assert page.request.get(f"{served.url}screen/ginza-shelf").status == 404
    expect(page.locator("[data-button=kill-signage-ginza-shelf]")).to_be_disabled()
    stage.glasses["ginza-shelf"].start()
    stage.part("signage-ginza-shelf", up=True)
    stage.shown("ginza-shelf", "noren", "schedule", draws="loop-en")
    expect(tile.locator("img")).to_be_visible()
    expect(tile.locator(".tv-why")).to_have_text("Loop: the curtain")


def test_events_arrive_and_the_figures_add_up(own: Served, own_stage: Stage, page: Page) -> None:
    open_page(page, own)
    expect(page.get_by_text("Nothing has arrived yet.")).to_be_visible()
    own_stage.happened("ginza", visit(1), Scanned(scan="s", reader="r", zone="till", outcome="unknown"))
    rows = page.locator(".stream li span")
    expect(rows).to_have_text(["Code read: nobody's", "Arrived: shelf (beacon)"])
    own_stage.happened("tenjin", CrowdCounted(zone="shelf", radios=7, over_ms=1000), waiting=5)
    expect(rows).to_have_count(2)
    for name, value in (("made", "8"), ("stored", "3"), ("waiting", "5"), ("lost", "0")):
        expect(figure(page, name)).to_have_text(value)
    for n in range(2, 40):
        own_stage.happened("ginza", visit(n))
    expect(figure(page, "stored")).to_have_text("41")
    expect(rows).to_have_count(24)
    own_stage.store("ginza", made=42, waiting=0)
    own_stage.store("tenjin", made=3, waiting=2)
    expect(figure(page, "lost")).to_have_text("2")
    expect(figure(page, "lost")).to_have_attribute("data-bad", "true")
    own_stage.store("umeda", refused=3)
    for name, value in (("made", "48"), ("stored", "41"), ("waiting", "2"), ("lost", "5")):
        expect(figure(page, name)).to_have_text(value)
    expect(page.get_by_title("could not be kept at all")).to_contain_text("lost")


def test_a_hidden_page_is_not_kept_up_to_date_until_it_is_seen_again(own: Served, own_stage: Stage, page: Page) -> None:
    open_page(page, own)
    own.await_log("somebody watches")
    page.evaluate(HIDE, True)
    own.await_log("somebody left")
    own_stage.happened("ginza", visit(1))
    page.evaluate(HIDE, False)
    own.await_log("somebody watches")
    expect(page.locator(".stream li")).to_have_count(1)
    expect(figure(page, "stored")).to_have_text("1")


def test_what_cannot_be_read_is_passed_over(page: Page, served: Served, stage: Stage) -> None:
    with stage.journals["ginza-shelf"].open("ab") as journal:
        journal.write(b'\xff not a line\n{"event": "shown"}\n')
    stage.garble(b'{"kind": "weather", "body": {}}\n\x00\xff\n')
    open_page(page, served)
    stage.shown("ginza-shelf", "campaign", "override")
    expect(page.locator("[data-screen=ginza-shelf] .tv-why")).to_have_text("Override: campaign")
    stage.say(fault_count=3, worst_black_s=1.25)
    expect(figure(page, "faults_made")).to_have_text("3")
    expect(figure(page, "worst_black")).to_have_text("1.2 s")


def test_every_button_gives_its_order(page: Page, served: Served, stage: Stage) -> None:
    open_page(page, served)
    pressed: list[Order] = []

    def orders(button: str, **wanted: str) -> None:
        press(page, button)
        pressed.append(Order(order=0, **wanted))  # type: ignore[arg-type]
        expect(page.locator(f"[data-button='{button}']")).not_to_have_attribute("aria-busy", "true")
        stage.await_orders(pressed)

    orders("walk-in", what="walk-in", store="ginza", person=SAKURA)
    expect(person(page, SAKURA)).to_have_attribute("data-zone", "shelf")
    person(page, KEN).click()
    expect(page.locator(f"[data-guest='{KEN}']")).to_have_attribute("aria-pressed", "true")
    orders("code", what="code", store="ginza", person=KEN)
    orders("presence", what="withdraw", store="ginza", person=KEN, purpose="presence")
    expect(page.locator("[data-button=presence]")).to_have_attribute("aria-checked", "false")
    expect(person(page, KEN)).to_have_attribute("data-consent", "signage_only")
    orders("presence", what="give", store="ginza", person=KEN, purpose="presence")
    expect(page.locator("[data-button=presence]")).to_have_attribute("aria-checked", "true")
    orders("signage", what="withdraw", store="ginza", person=KEN, purpose="signage")
    expect(page.locator("[data-button=signage]")).to_have_attribute("aria-checked", "false")
    orders("leave", what="leave", store="ginza", person=KEN)
    expect(page.locator("[data-button=leave]")).to_be_disabled()
    orders("meet", what="meet", store="ginza", person=KEN)
    expect(page.locator("[data-button=walk-in]")).to_be_disabled()
    orders("network", what="cut", store="ginza")
    expect(page.locator("[data-button=network]")).to_have_attribute("data-state", "cut")
    orders("network", what="join", store="ginza")
    expect(page.locator("[data-button=network]")).to_have_attribute("data-state", "up")
    for part, store in (
        ("edge-ginza", "ginza"),
        ("signage-ginza-shelf", "ginza"),
        ("signage-ginza-till", "ginza"),
        ("broker", ""),
        ("central", ""),
    ):
        orders(f"kill-{part}", what="kill", store=store, part=part)
        expect(page.locator(f"[data-button=kill-{part}]")).to_be_disabled()
    expect(page.locator("[data-button=disk]")).to_be_disabled()
    expect(page.get_by_text(DISKS["en"])).to_be_visible()


def test_what_was_seen_online_is_pointed_out_on_the_shelf(page: Page, served: Served, stage: Stage) -> None:
    open_page(page, served)
    goods = page.get_by_role("combobox")
    goods.click()
    goods.fill("wallet")
    page.get_by_role("option").click()
    press(page, "view")
    stage.await_orders([Order(order=0, what="view", store="ginza", person=SAKURA, sku="bags-017")])
    stage.shown("ginza-shelf", "recommendation", "beacon", level=1, people=1, items=("bath-021", "bags-017"))
    tile = page.locator("[data-screen=ginza-shelf]")
    expect(tile.locator(".tv-viewed")).to_have_text("Just seen online: Clasp Wallet, Young Bamboo Kanoko")
    expect(page.locator("[data-screen=ginza-till] .tv-viewed")).to_have_count(0)


def test_a_button_waits_for_its_answer_and_tells_a_refusal(page: Page, served: Served, stage: Stage) -> None:
    stage.held.add("cut")
    stage.refuses["cut"] = {"ja": "もう切れています", "en": "it is cut already"}
    open_page(page, served)
    press(page, "network")
    expect(page.locator("[data-button=network]")).to_be_disabled()
    expect(page.locator("[data-button=network]")).to_have_attribute("aria-busy", "true")
    stage.await_orders([Order(order=0, what="cut", store="ginza")])
    stage.answer()
    expect(page.get_by_text("Not done: it is cut already")).to_be_visible()
    expect(page.locator("[data-button=network]")).to_be_enabled()
    expect(page.locator("[data-button=network]")).to_have_attribute("data-state", "up")


def test_it_is_worked_with_the_keyboard(page: Page, served: Served, stage: Stage) -> None:
    open_page(page, served)
    person(page, KEN).focus()
    page.keyboard.press("Enter")
    expect(person(page, KEN)).to_have_attribute("aria-pressed", "true")
    page.locator("[data-button=signage]").focus()
    page.keyboard.press("Space")
    stage.await_orders([Order(order=0, what="withdraw", store="ginza", person=KEN, purpose="signage")])
    page.locator("[data-store=umeda]").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".store-name")).to_have_text("Umeda")


def test_the_last_faults_and_how_soon_they_healed(page: Page, served: Served, stage: Stage) -> None:
    stage.fault("network", "tenjin", took=8.14)
    open_page(page, served)
    stage.fault("player", "signage-ginza-till")
    rows = page.locator("[data-fault]")
    expect(rows).to_have_text(["Till playernot yet recovered", "Tenjin: Store networkrecovered in 8.1 s"])
    expect(rows.first).to_have_attribute("data-healed", "false")
    expect(figure(page, "faults_made")).to_have_text("2")


def test_two_viewers_choose_for_themselves_and_see_the_same(
    page: Page, second: Page, served: Served, stage: Stage
) -> None:
    open_page(page, served)
    open_page(second, served, "lang=ja&store=ginza")
    person(second, KEN).click()
    expect(second.locator(f"[data-guest='{KEN}']")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(f"[data-guest='{SAKURA}']")).to_have_attribute("aria-pressed", "true")
    press(second, "walk-in")
    for each in (page, second):
        expect(person(each, KEN)).to_have_attribute("data-zone", "shelf")
    second.locator("[data-store=umeda]").click()
    expect(second.locator(".store-name")).to_have_text("梅田店")
    second.locator("[data-lang=en]").click()
    expect(second.locator(".store-name")).to_have_text("Umeda")
    expect(second).to_have_url(f"{served.url}?lang=en&store=umeda")
    expect(page.locator(".store-name")).to_have_text("Ginza")
    stage.happened("umeda", visit(1))
    expect(second.locator(".stream li")).to_have_count(1)
    expect(page.locator(".stream li")).to_have_count(0)
    second.reload()
    expect(second.locator(".store-name")).to_have_text("Umeda")


def test_an_address_without_a_choice_is_the_first_store_in_the_browsers_language(served: Served, stage: Stage) -> None:
    for wants, is_ in (("ja,en;q=0.5", "銀座店"), ("en-US", "Ginza"), ("", "Ginza")):
        request = Request(f"{served.url}?lang=xx&store=nowhere", headers={"Accept-Language": wants})
        with urlopen(request) as answer:
            assert f'"{is_}","class":["store-name"]' in answer.read().decode()
    with pytest.raises(HTTPError, match="400"):
        urlopen(Request(served.url, headers={"Host": "somebody.example"}))


def test_when_the_demo_is_gone_it_says_so_and_comes_back_with_it(page: Page, served: Served, stage: Stage) -> None:
    open_page(page, served)
    banner = page.locator(".banner")
    expect(banner).to_have_attribute("role", "alert")
    expect(banner).to_be_hidden()
    stage.close()
    expect(banner).to_be_visible()
    expect(banner).to_contain_text("Nothing is heard from the demo")
    press(page, "meet")
    expect(page.get_by_text("The demo does not answer.")).to_be_visible()
    stage.listen()
    expect(banner).to_be_hidden()


def test_a_demo_that_hangs_is_not_taken_for_one_that_lives(page: Page, served: Served, stage: Stage) -> None:
    open_page(page, served)
    stage.silent = True
    expect(page.locator(".banner")).to_be_visible(timeout=30_000)
    expect(page.locator(".page")).to_have_attribute("data-here", "false")
    stage.garble(b"not a state\n")
    stage.say()
    expect(page.locator(".banner")).to_be_hidden()
    expect(page.locator(".page")).to_have_attribute("data-here", "true")


def test_before_the_demo_is_there_it_says_so_and_then_opens_by_itself(
    page: Page, tmp_path: Path, database: Path
) -> None:
    copy(database, tmp_path)
    with serving(tmp_path / "page.sock") as served:
        page.goto(f"{served.url}?lang=en")
        expect(page.get_by_text("The shop is being made ready.")).to_be_visible()
        with Stage(tmp_path):
            expect(page.locator(".store-name")).to_have_text("Ginza")
            expect(page.locator(".tv-glass img")).to_have_count(2)
            page.close()


def test_sigterm_ends_it_well_and_viewers_are_told(own: Served, page: Page, seen: Seen) -> None:
    open_page(page, own)
    kill(own.pid, signal.SIGTERM)
    assert own.wait() == 0
    expect(page.locator("#popup")).to_have_attribute("aria-hidden", "false")
    expect(page.locator("#popup")).to_contain_text("This page's server cannot be reached")
    page.close()
    seen.complaints = [said for said in seen.complaints if "ERR_CONNECTION_REFUSED" not in said]
