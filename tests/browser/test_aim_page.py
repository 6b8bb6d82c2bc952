"""The installer's page on a phone, in both languages, as a browser shows it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy
import pytest
from browser.conftest import WAIT_MS, Seen, watched
from playwright.sync_api import Browser, Page, expect
from zxingcpp import BarcodeFormat, create_barcode

from edge.aim import page as pages
from edge.aim.sight import Aim
from edge.codes import Gray

PHONE = {"width": 390, "height": 740}


def counter(light: int = 90) -> Gray:
    return numpy.random.default_rng(6).normal(light, 2, (720, 1280)).clip(0, 255).astype(numpy.uint8)


def code(scale: int) -> Gray:
    drawn = numpy.asarray(create_barcode("NOREN:0123456789ABCDEF", BarcodeFormat.QRCodeModel2).to_image(scale=scale))
    held = counter()
    held[200 : 200 + drawn.shape[0], 500 : 500 + drawn.shape[1]] = drawn
    return held


@pytest.fixture
def shown() -> pages.Page:
    return pages.Page("till-camera")


@pytest.fixture
def address(shown: pages.Page) -> Iterator[str]:
    with pages.served(shown, "127.0.0.1") as made:
        yield made


@pytest.fixture(params=["ja-JP", "en-GB"])
def phone(request: pytest.FixtureRequest, browser: Browser, seen: Seen, address: str) -> Iterator[Page]:
    context = browser.new_context(viewport=PHONE, locale=request.param)  # type: ignore[arg-type] # Two integers.
    made = watched(context.new_page(), seen)
    made.goto(address)
    yield made
    context.close()


SAYS = {
    "ja": (
        "映像を待っています…",
        "コードをカメラにかざしてください。",
        "この位置で読み取れます。",
        "カメラを近づけるか",
        "レンズキャップを外し",
    ),
    "en": (
        "Waiting for the picture…",
        "Hold a code",
        "Good: codes are read here.",
        "Move the camera nearer",
        "Take the cap off",
    ),
}


def test_it_says_what_to_do_as_the_picture_changes(phone: Page, shown: pages.Page) -> None:
    language = phone.locator("html").get_attribute("lang")
    first = phone.locator("#first")
    waiting, hold, well, nearer, cap = SAYS[language or ""]
    expect(first).to_have_text(waiting)
    for gray, says, state in (
        (counter(), hold, "none"),
        (code(4), well, "good"),
        (code(2), nearer, "bad"),
        (counter(3), cap, "bad"),
    ):
        shown.show(gray, Aim().see(gray, 0.0), "")
        expect(first).to_contain_text(says)
        expect(first).to_have_class(state)
        expect(phone.locator("#rows li")).to_have_count(4)
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert phone.locator("#picture").evaluate("image => image.complete && image.naturalWidth") == 640
    expect(phone.locator("#trouble")).to_be_hidden()
    shown.show(counter(), Aim().see(counter(), 0.0), "The camera till-camera gives 640x480 instead of 1280x720.")
    expect(phone.locator("#trouble")).to_contain_text("640x480")


def test_it_says_when_the_view_has_ended(browser: Browser, shown: pages.Page) -> None:
    looking = browser.new_page(viewport=PHONE, locale="en-GB")  # type: ignore[arg-type] # Two integers.
    looking.set_default_timeout(WAIT_MS)
    with pages.served(shown, "127.0.0.1") as address:
        shown.show(counter(), Aim().see(counter(), 0.0), "")
        looking.goto(address)
        expect(looking.locator("#picture")).to_be_visible()
    expect(looking.locator("#first")).to_contain_text("has ended")
    expect(looking.locator("#picture")).to_be_hidden()
    looking.close()
