"""Draws docs/pictures anew: each main view in both languages, from the sample chain and from a running demo."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from central import sample, sheets
from central.contract.feeds import Profile
from central.printing import panel
from edge.aim import page as pages
from edge.aim.sight import Aim
from edge.director import Answer, Wish
from edge.model import CustomerId
from edge.recommender import recommend
from edge.scenes import A_SCENE, compose
from edge.sensors import shoppers, simulated
from ground.programme import file as programme_file
from ground.programme.records import Language
from signage.contract import Scene
from signage.contract.content import scenes_of

HERE = Path(__file__).parent / "pictures"
NOW = datetime(2026, 11, 24, 3, tzinfo=UTC)
LANGUAGES: tuple[Language, ...] = ("ja", "en")
WHY = {"ja": ("ビーコン", "名前も"), "en": ("Beacon", "with name")}
"""What the page says of a screen that shows something for who is near, and for who has shown a code."""
SOON = 60_000
"""Milliseconds for what a busy machine may take."""


def scenes(chain: sample.Chain) -> dict[str, Scene]:
    """The loop, the shelf and the till, in each language, for somebody of the sample chain."""
    products = {product.sku: product for product in chain.products}
    stock = {row.sku: row for row in chain.stock[chain.stores[0].store]}
    member = next(one for one in chain.members if len(one.coupons) > 1 and "signage" in one.purposes)
    drawn: dict[str, Scene] = {}
    for language in LANGUAGES:
        person = Profile(
            customer=member.customer,
            purposes=member.purposes,
            language=language,
            nickname="はなこ" if language == "ja" else "Hana",
            points=member.points,
            bought=member.bought,
            viewed=member.viewed,
            coupons=member.coupons,
        )
        who = (CustomerId(member.customer),)
        picks = recommend([person], products, stock, NOW, level=1, count=A_SCENE)
        for name, wish in {
            "shelf": Wish(level=1, cause="beacon", people=who),
            "till": Wish(level=2, cause="scan", people=who, named=True),
        }.items():
            scene = compose(wish, name, [person], picks, products, LANGUAGES)
            assert scene is not None
            drawn[f"{name}-{language}"] = scene
        [drawn[f"loop-{language}"]] = scenes_of(chain.content[0], (language,), lambda *_: ())
    return drawn


def programme(chain: sample.Chain) -> programme_file.Written:
    """What head office has of the sample chain's screens."""
    products = tuple(
        programme_file.Product(sku=one.sku, name=one.name, yen=one.yen, picture=one.picture) for one in chain.products
    )
    return programme_file.Written(
        contents=chain.content,
        playlists=chain.playlists,
        campaigns=chain.campaigns,
        layouts=chain.layouts,
        stores=chain.stores,
        products=products,
    )


def draw_screens() -> None:
    chain = sample.chain(now=NOW)
    with tempfile.TemporaryDirectory() as folder:
        for name, data in chain.pictures.items():
            Path(folder, name).write_bytes(data)
        for name, scene in scenes(chain).items():
            file = Path(folder, f"{name}.json")
            file.write_bytes(msgspec.json.encode(scene))
            command = [sys.executable, "-m", "signage", "snapshot", str(file), str(HERE / f"{name}.png")]
            subprocess.run([*command, "--size", "1280x720", "--assets", folder], check=True)
        written = Path(folder, "programme.yaml")
        written.write_text(programme_file.write(programme(chain)), encoding="utf-8")
        command = [sys.executable, "-m", "signage", "preview", str(written), str(HERE / "day.png")]
        day = ["--day", str(NOW.date()), "--store", "tenjin", "--zone", "shelf"]
        subprocess.run([*command, *day, "--size", "1280x720", "--assets", folder], check=True)


def draw_answers() -> None:
    """What a checkout's screen says to a code, beside the greeting: six to a sheet."""
    answers: tuple[Answer, ...] = ("reading", "unknown", "expired", "used", "wrong", "trouble")
    for language in LANGUAGES:
        sheet = Image.new("RGB", (3 * 640 + 4 * 12, 2 * 360 + 3 * 12), "#8a8a8a")
        with tempfile.TemporaryDirectory() as folder:
            for number, answer in enumerate(answers):
                wish = Wish(level=0, cause="scan", people=(), answer=answer)
                scene = compose(wish, answer, [], [], {}, (language,))
                file, made = Path(folder, f"{answer}.json"), Path(folder, f"{answer}.png")
                file.write_bytes(msgspec.json.encode(scene))
                command = [sys.executable, "-m", "signage", "snapshot", str(file), str(made), "--size", "640x360"]
                subprocess.run(command, check=True)
                with Image.open(made) as drawn:
                    sheet.paste(drawn, (12 + number % 3 * 652, 12 + number // 3 * 372))
        sheet.save(HERE / f"answers-{language}.png", optimize=True)


def draw_labels() -> None:
    """The first sheet of labels for the sample's tea."""
    chain = sample.chain(now=NOW, pictures=False)
    store = next(one for one in chain.stores if one.link)
    panels = [panel(store, "shelf", product) for product in chain.products if product.category == "tea"]
    page = next(sheets.drawn(panels, sheets.PAPERS["label"], 0.3))
    page.convert("L").resize((page.width // 5, page.height // 5), Image.Resampling.LANCZOS).quantize(16).save(
        HERE / "labels.png", optimize=True
    )


def draw_aim() -> None:
    """The installer's phone, while a code is held before the camera."""
    show = shoppers.Showing(reader="till-camera", begin=1, end=3, format="QRCode", content="NOREN" * 9)
    frame = simulated.held(simulated.counter("aim")[0], simulated.phone(show), 1.0)
    shown, aim = pages.Page("till-camera"), Aim()
    with pages.served(shown, "127.0.0.1") as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for language, locale in zip(LANGUAGES, ("ja-JP", "en-GB"), strict=True):
            context = browser.new_context(viewport={"width": 390, "height": 740}, locale=locale, device_scale_factor=2)
            page = context.new_page()
            page.goto(address)
            for at in range(15):
                shown.show(frame, aim.see(frame, at / 10), "")
            expect(page.locator("#first")).to_have_class("good", timeout=SOON)
            page.screenshot(path=HERE / f"aim-{language}.png")
            context.close()
        browser.close()


@contextmanager
def demo() -> Iterator[str]:
    """A demo with its store page, and where that is."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["--headless", "--json", "--page", "--for", "600", "--folder", folder]
        command = [sys.executable, "-m", "central", "demo", *options]
        with subprocess.Popen(command, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            assert process.stderr
            address = ""
            for line in process.stderr:
                found = re.search(r"The store page is at (\S+)", line)
                address = found[1] if found else address
                if line.startswith("The shop is open"):
                    break
            yield address
            process.terminate()
            process.communicate()


def draw_page() -> None:
    """Somebody stands at the shelf, and somebody has just shown a code; a few faults are over."""
    with demo() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for language, store in zip(LANGUAGES, ("ginza", "tenjin"), strict=True):
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(SOON)
            page.goto(f"{address}?lang={language}&store={store}")
            for number, part in enumerate((f"signage-{store}-till", "broker"), start=1):
                page.locator(f"[data-button='kill-{part}']").click()
                expect(page.locator("[data-fault][data-healed=true]")).to_have_count(
                    number + 2 * LANGUAGES.index(language), timeout=SOON
                )
            pose(page, store, *WHY[language])
            page.screenshot(path=HERE / f"page-{language}.png")
            page.close()
        browser.close()


def pose(page: Page, store: str, near: str, shown: str) -> None:
    """Have guests of every mind in the store, one of whom has looked at something online, and another greeted."""
    guests = page.locator("[data-guest]")
    for number in (2, 3, 0):
        guests.nth(number).click()
        page.locator("[data-button='walk-in']").click()
        expect(page.locator(f"[data-person='{guests.nth(number).get_attribute('data-guest')}']")).to_have_attribute(
            "data-zone", "shelf", timeout=SOON
        )
    expect(page.locator(f"[data-screen={store}-shelf]")).to_contain_text(near, timeout=SOON)
    page.locator("[data-button='view']").click()
    guests.nth(1).click()
    for _ in range(20):  # The script's shoppers also come and go: until both screens are somebody's at once.
        page.locator("[data-button='code']").click()
        expect(page.locator(f"[data-screen={store}-till]")).to_contain_text(shown, timeout=SOON)
        page.wait_for_timeout(1_500)
        if near in page.locator(f"[data-screen={store}-shelf]").inner_text():
            return
        page.wait_for_timeout(12_000)


def main() -> int:
    HERE.mkdir(exist_ok=True)
    draw_screens()
    draw_answers()
    draw_labels()
    draw_aim()
    draw_page()
    return 0


if __name__ == "__main__":
    sys.exit(main())
