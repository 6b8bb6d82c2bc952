"""Everything that is said on the page can be read, in both languages and from a phone to a wide screen."""

from __future__ import annotations

import pytest
from browser.served import Served
from browser.stage import GOODS, Stage
from browser.test_page import open_page, press
from playwright.sync_api import Page, expect

from central.page.contract import Person
from ground.programme.records import Language

WALL = 1100
"""From this width on everything is in sight at once."""
SIZES = (
    (1440, 900),
    (1366, 768),
    (1280, 720),
    (800, 900),
    (390, 844),
    # The widest, the narrowest, and where the page is laid out in another way.
    (1920, 1080),
    (1100, 720),
    (861, 900),
    (641, 900),
    (360, 740),
)
HEADING = {"ja": "お客さまを動かす", "en": "Move a shopper"}
SAYS: dict[Language, tuple[dict[str, str], dict[str, str]]] = {
    "ja": (
        {
            "why": "ビーコン：会員2人が近くに",
            "took": "判断から150 ms",
            "level": "段階1・名前は出さない",
            "viewed": "さきほどネットで見た「{}」",
        },
        {"why": "会員証の提示：ごあいさつ", "took": "読み取りから140 ms", "level": "段階2・本人の意思で名前も"},
    ),
    "en": (
        {
            "why": "Beacon: 2 members near",
            "took": "150 ms after decision",
            "level": "Level 1, no names",
            "viewed": "Just seen online: {}",
        },
        {"why": "Code shown: greeting", "took": "140 ms after scan", "level": "Level 2: own act, with name"},
    ),
}
"""What stands under the shelf's and under the till's screen."""
HARDEST = ((1440, 900), (1280, 720), (360, 740))
CUT = """() => [...document.querySelectorAll('.page *')].filter((one) => one.clientWidth
    && !one.matches('.stream, input') && one.scrollWidth > one.clientWidth + 1
    && getComputedStyle(one).overflowX !== 'visible').map((one) => one.className + ' ' + one.textContent)"""
"""Whatever is wider than its place; the stream wraps what has no room out of sight, and a field can be scrolled."""
AMISS = """(wall) => {
    const found = [], said = [];
    const walk = document.createTreeWalker(document.querySelector('.page'), NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const text = walk.currentNode, range = document.createRange();
        range.selectNodeContents(text);
        for (const { left, right, top, bottom } of range.getClientRects()) {
            // A line's box is higher than its letters, and those of two lines may touch.
            const air = (bottom - top) / 5;
            said.push({ text, left, right, top: top + air, bottom: bottom - air });
        }
    }
    const within = (one, box) => one.left > box.left - 1 && one.right < box.right + 1
        && one.top > box.top - 1 && one.bottom < box.bottom + 1;
    const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
    const boxes = 'figcaption, .card, .figure, .curtain, .part, li';
    const window = { left: 0, right: innerWidth, top: 0, bottom: innerWidth < wall ? Infinity : innerHeight };
    const seen = said.filter((one) => {
        const stream = one.text.parentElement.closest('.stream');
        return !stream || meet(one, stream.getBoundingClientRect());
    });
    seen.forEach((one, at) => {
        const tell = (how) => found.push(`${one.text.textContent.trim()}: ${how}`);
        if (!within(one, window)) tell('outside the window');
        for (let box = one.text.parentElement; !box.matches('.page'); box = box.parentElement) {
            if (!box.matches(boxes) && getComputedStyle(box).overflow === 'visible') continue;
            if (!within(one, box.getBoundingClientRect())) tell('outside ' + (box.className || box.tagName));
        }
        for (const other of seen.slice(at + 1))
            if (other.text !== one.text && meet(one, other)) tell('on ' + other.text.textContent.trim());
    });
    return found;
}"""
"""Each line of text that leaves the window or its own box, or lies on another's; where all is in sight, from `wall`."""
SETTLED = """([width, height]) => { const floor = document.querySelector('.floor');
    return innerWidth === width && innerHeight === height
        && +floor.querySelector('svg').getAttribute('width') === Math.round(floor.getBoundingClientRect().width); }"""
STOOD_ON = """() => { const box = (one) => one.getBoundingClientRect();
    const meet = (a, b) => Math.min(a.right, b.right) > Math.max(a.left, b.left)
        && Math.min(a.bottom, b.bottom) > Math.max(a.top, b.top);
    return [...document.querySelectorAll('.person-name')].flatMap((name) =>
        [...document.querySelectorAll('.person')].filter((one) => !one.contains(name)
            && meet(box(name), box(one.querySelector('.person-body')))).map((one) =>
            name.textContent + ' under ' + one.dataset.person)); }"""


def resize(page: Page, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_function(SETTLED, arg=[width, height])


def check(page: Page, width: int, height: int) -> None:
    resize(page, width, height)
    assert page.evaluate(CUT) == []
    assert page.evaluate(AMISS, WALL) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert width < WALL or page.evaluate("document.documentElement.scrollHeight <= window.innerHeight")


def view(page: Page, name: str) -> None:
    goods = page.get_by_role("combobox")
    goods.click()
    goods.fill(name)
    page.get_by_role("option").click()
    press(page, "view")
    expect(page.locator("[data-button=view]")).to_be_enabled()


@pytest.mark.parametrize(("language", "store", "name"), [("ja", "tenjin", "天神店"), ("en", "umeda", "Umeda")])
def test_it_loads_in_both_languages_and_all_of_it_can_be_read(
    page: Page, served: Served, stage: Stage, language: Language, store: str, name: str
) -> None:
    page.emulate_media(reduced_motion="reduce")
    stage.fault("network", store, took=8.1)
    stage.fault("player", "signage-ginza-till")
    open_page(page, served, f"lang={language}&store={store}")
    expect(page.locator(".store-name")).to_have_text(name)
    expect(page.get_by_role("heading", name=HEADING[language])).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", language)
    expect(page.locator(".tv-glass img")).to_have_count(2)
    check(page, 1440, 900)
    longest = max(GOODS, key=lambda goods: len(goods.name[language]))
    for goods, sizes in ((longest, HARDEST), (GOODS[0], SIZES)):
        view(page, goods.name[language])
        stage.shown(f"{store}-shelf", "recommendation", "beacon", level=1, people=2, items=(goods.sku,), took_ms=150)
        stage.shown(f"{store}-till", "greeting", "scan", level=2, people=1, took_ms=100)
        for screen, says in zip(("shelf", "till"), SAYS[language], strict=True):
            tile = page.locator(f"[data-screen={store}-{screen}]")
            for part, words in says.items():
                expect(tile.locator(f".tv-{part}")).to_have_text(words.format(goods.name[language]))
        for width, height in sizes:
            check(page, width, height)


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1280, 720), (390, 844)])
def test_nobody_stands_on_a_name(page: Page, served: Served, stage: Stage, width: int, height: int) -> None:
    page.emulate_media(reduced_motion="reduce")
    stage.person("ginza-さくら", zone="shelf", label="あかさたな")
    stage.person("ginza-Ken", zone="shelf", label="Alexandria")
    open_page(page, served)
    resize(page, width, height)
    for number in range(14):
        stage.enter(
            Person(
                person=f"new-{number}",
                store="ginza",
                zone=("shelf", "till", "shelf", "entrance", "shelf")[number % 5],
                label="",
                member=True,
                beacon=number % 2 == 0,
                presence=True,
                signage=True,
                guest=False,
                code=False,
            )
        )
        expect(page.locator(f"[data-person=new-{number}]")).to_have_css("opacity", "1")
        assert page.evaluate(STOOD_ON) == []
