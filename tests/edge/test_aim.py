"""What an installer is told of a camera's picture, on the terminal and on a phone."""

from __future__ import annotations

import base64
import http.client
import io
import itertools
import json
import select
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import cv2
import numpy
import pytest
from edge_certificates import Authority
from zxingcpp import BarcodeFormat, create_barcode

from edge import cli
from edge.aim import app, page, words
from edge.aim.sight import HELD, REMEMBERED, Aim, Held, Sight
from edge.codes import Gray
from edge.config import Camera, EdgeConfig, SimulatedCamera, Zone
from edge.errors import EdgeError, SensorError, Taken

DICE = numpy.random.default_rng(6)
QR, EAN, CODE128 = BarcodeFormat.QRCodeModel2, BarcodeFormat.EAN13, BarcodeFormat.Code128
MEMBER = "NOREN:0123456789ABCDEF"


def scene(
    content: str = MEMBER, symbol: BarcodeFormat = QR, *, pixels: float = 4.0, turned: float = 3.0, dark: float = 1.0
) -> Gray:
    """A code held before a counter, with so many pixels a module; `dark` is the share of the light that is left."""
    drawn = 10
    code = numpy.asarray(create_barcode(content, symbol).to_image(scale=drawn))
    height, width = code.shape
    place = cv2.getRotationMatrix2D((width / 2, height / 2), turned, pixels / drawn)
    place[:, 2] += (640 - width / 2, 360 - height / 2)
    counter = numpy.full((720, 1280), 90, numpy.uint8)
    held = cv2.warpAffine(
        code, place, (1280, 720), dst=counter, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_TRANSPARENT
    )
    return noisy(held * dark)


def noisy(picture: cv2.typing.MatLike) -> Gray:
    return (picture + DICE.normal(0, 3, picture.shape)).clip(0, 255).astype(numpy.uint8)


def blurred(gray: Gray, pixels: float) -> Gray:
    return noisy(cv2.GaussianBlur(gray, (0, 0), pixels))


def moved(gray: Gray, across: int = 1, down: int = 1) -> Gray:
    return noisy(cv2.blur(gray, (across, down)))


def seen(gray: Gray) -> Sight:
    return Aim().see(gray, 0.0)


@pytest.mark.parametrize("pixels", [2.5, 4.0, 7.0])
@pytest.mark.parametrize("turned", [0.0, 3.0, 45.0])
def test_the_pixels_of_a_module_are_measured(pixels: float, turned: float) -> None:
    held = seen(scene(pixels=pixels, turned=turned)).held
    assert held is not None
    assert held.format == "QRCode"
    assert held.pixels == pytest.approx(pixels, rel=0.05)


@pytest.mark.parametrize(
    ("content", "symbol", "name"),
    [("2900000000018", EAN, "EAN13"), ("12345678", CODE128, "Code128"), ("Noren-29", CODE128, "Code128")],
)
def test_bars_are_measured_too(content: str, symbol: BarcodeFormat, name: str) -> None:
    held = seen(scene(content, symbol, pixels=3.0, turned=0)).held
    assert held is not None
    assert held.format == name
    assert held.pixels == pytest.approx(3.0, rel=0.1)


def test_what_is_softer_measures_softer_until_it_is_not_read() -> None:
    blurs = [seen(blurred(scene(), pixels)).blur for pixels in (0.5, 1.0, 1.6, 2.6, 4.0)]
    assert None not in blurs
    assert blurs == sorted(blurs, key=lambda blur: blur or 0)
    told = [words.said(seen(blurred(scene(), pixels)), "en").rows[1].state for pixels in (0.5, 2.6, 4.0)]
    assert told == ["good", "bad", "bad"]


def test_a_smear_has_a_direction_and_a_lens_has_none() -> None:
    assert seen(moved(scene(), across=7)).smear == "across"
    assert seen(moved(scene(), down=7)).smear == "down"
    assert seen(blurred(scene(), 2.0)).smear == ""
    assert seen(scene()).smear == ""


def test_an_empty_counter_has_nothing_to_be_sharp() -> None:
    sight = seen(noisy(numpy.full((720, 1280), 90.0)))
    assert (sight.blur, sight.held, sight.light) == (None, None, "")
    assert words.said(sight, "en").first == "Hold a code before the camera."


def test_tiny_pictures_are_no_fault() -> None:
    assert seen(numpy.zeros((8, 8), numpy.uint8)).light == "black"


def test_the_frames_of_the_last_seconds_count() -> None:
    aim, code, counter = Aim(), scene(), noisy(numpy.full((720, 1280), 90.0))
    for number in range(10):
        sight = aim.see(code if number % 2 else counter, number / 10)
    assert (sight.read, sight.of) == (5, 10)
    assert sight.held is not None
    sight = aim.see(counter, 0.9 + HELD / 2)
    assert sight.held is not None, "one that was missed in a frame is still there"
    sight = aim.see(counter, 0.9 + HELD + 0.1)
    assert sight.held is None
    sight = aim.see(counter, 0.95 + REMEMBERED)
    assert (sight.read, sight.of) == (0, 3)


SIGHT = Sight(
    light="",
    blur=0.5,
    smear="",
    held=Held(format="QRCode", corners=((0, 0), (9, 0), (9, 9), (0, 9)), pixels=4.0, white=200),
    read=30,
    of=30,
)


def held(pixels: float, white: int = 200) -> Held:
    assert SIGHT.held is not None
    return replace(SIGHT.held, pixels=pixels, white=white)


@pytest.mark.parametrize(
    ("sight", "state", "first"),
    [
        (SIGHT, "good", "Good: codes are read here."),
        (replace(SIGHT, light="dark"), "bad", "Add light"),
        (replace(SIGHT, light="black", held=None, read=0), "bad", "Take the cap off"),
        (replace(SIGHT, light="black"), "bad", "Add light"),
        (replace(SIGHT, light="washed"), "bad", "Less light, no lamp"),
        (replace(SIGHT, light="even"), "bad", "wipe it"),
        (replace(SIGHT, held=held(4.0, white=60)), "fair", "Add light"),
        (replace(SIGHT, held=held(2.96)), "good", "Good"),
        (replace(SIGHT, held=held(2.5), blur=0.3), "fair", "nearer"),
        (replace(SIGHT, held=held(2.0), blur=0.2), "bad", "larger width and height"),
        (replace(SIGHT, blur=0.9), "fair", "Turn the lens' ring a little"),
        (replace(SIGHT, blur=1.5), "bad", "Turn the lens' ring until"),
        (replace(SIGHT, blur=1.5, held=None, read=0), "bad", "Turn the lens' ring until"),
        (replace(SIGHT, blur=1.5, smear="across", held=None, read=0), "bad", "shorter exposure_ms"),
        (replace(SIGHT, blur=0.5, held=None, read=0), "none", "Hold a code before"),
        (replace(SIGHT, blur=None, held=None, read=0), "none", "Hold a code before"),
        (replace(SIGHT, read=20), "fair", "Hold the code still"),
        (replace(SIGHT, read=3), "bad", "Hold the code still"),
    ],
)
def test_the_first_thing_to_do_is_said(sight: Sight, state: str, first: str) -> None:
    told = words.said(sight, "en")
    assert told.state == state
    assert first in told.first
    for language in ("ja", "en"):
        every = words.said(sight, language)
        assert every.state == state
        assert every.first
        assert all(row.word for row in every.rows)
        assert all(row.advice for row in every.rows if row.state in ("fair", "bad"))


def test_both_languages_have_every_word() -> None:
    assert words.TEXTS["ja"].keys() == words.TEXTS["en"].keys()


def test_the_terminals_line() -> None:
    assert words.line(words.said(SIGHT, "en")) == (
        "light good | focus sharp | size large enough (4.0 px a module) | reading 30 of 30 frames (QR code)"
    )


class Phone:
    """Somebody who asks the page, from an address of their own."""

    def __init__(self, address: str, source: str = "127.0.0.1") -> None:
        parts = urlsplit(address)
        self.host, self.port, self.path = parts.hostname or "", parts.port or 0, parts.path
        self.source = source

    def ask(
        self, name: str = "", *, path: str | None = None, method: str = "GET", language: str = "en"
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        asking = http.client.HTTPConnection(self.host, self.port, timeout=30, source_address=(self.source, 0))
        try:
            asking.request(method, path or self.path + name, headers={"Accept-Language": language})
            answer = asking.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            asking.close()


@pytest.fixture
def shown() -> page.Page:
    return page.Page("till-camera")


@pytest.fixture
def address(shown: page.Page) -> Iterator[str]:
    with page.served(shown, "127.0.0.1") as made:
        yield made


def test_a_phone_sees_the_picture_and_the_words(shown: page.Page, address: str) -> None:
    phone = Phone(address)
    status, headers, body = phone.ask()
    assert status == 200
    assert headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert b'lang="en"' in body
    assert b"till-camera" in body
    assert b"@" not in body.replace(b"@media", b"")
    assert json.loads(phone.ask("now")[2]) == {}
    shown.show(scene(), SIGHT, "It is slow.")
    told = json.loads(phone.ask("now", language="ja-JP,ja;q=0.9,en;q=0.8")[2])
    assert told["trouble"] == "It is slow."
    assert told["said"]["state"] == "good"
    assert [row["name"] for row in told["said"]["rows"]] == ["明るさ", "ピント", "大きさ", "読み取り"]
    picture = cv2.imdecode(numpy.frombuffer(base64.b64decode(told["picture"]), numpy.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (360, 640, 3)


def test_without_the_token_there_is_nothing(shown: page.Page, address: str) -> None:
    shown.show(scene(), SIGHT, "")
    phone = Phone(address)
    assert len(shown.token) >= 20
    assert page.Page("till-camera").token != shown.token
    wrong = f"/{'x' * len(shown.token)}/now"
    for path in ("/", "/now", wrong, f"{phone.path}../now", f"{phone.path}picture", "/%E5%BA%97/", "//"):
        status, _, body = phone.ask(path=path)
        assert (status, body) == (404, b""), path


@pytest.mark.parametrize(
    "request_line", [b"GET /\xff\xe5\xba\x97/ HTTP/1.1", b"GET", b"\x00" * 100, b"GET " + b"/" * 70_000 + b" HTTP/1.1"]
)
def test_what_is_no_request_of_a_browser_gets_nothing(shown: page.Page, address: str, request_line: bytes) -> None:
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as hostile:
        hostile.sendall(request_line + b"\r\n\r\n")
        answer = hostile.makefile("rb").readline()
    assert b"200" not in answer
    assert Phone(address).ask("now")[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_one_can_only_look(address: str, method: str) -> None:
    assert Phone(address).ask("now", method=method)[0] == 501


def test_a_few_may_look_at_once(address: str) -> None:
    phones = [Phone(address, f"127.0.0.{number + 1}") for number in range(page.VIEWERS + 1)]
    assert [phone.ask("now")[0] for phone in phones] == [200] * page.VIEWERS + [503]
    assert phones[0].ask()[0] == 200
    assert "ほかの端末" in phones[-1].ask(language="ja")[2].decode()


def test_who_asks_nothing_keeps_nobody_waiting(address: str) -> None:
    parts = urlsplit(address)
    silent = [socket.create_connection((parts.hostname, parts.port), timeout=30) for _ in range(page.REQUESTS // 2)]
    try:
        assert Phone(address).ask("now")[0] == 200
    finally:
        for one in silent:
            one.close()


def test_with_the_command_the_page_ends(shown: page.Page) -> None:
    with page.served(shown, "127.0.0.1") as address:
        phone = Phone(address)
    with pytest.raises(ConnectionRefusedError):
        phone.ask()


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("ja", "ja"),
        ("ja-JP,ja;q=0.9,en-US;q=0.8", "ja"),
        ("en-US,en;q=0.9,ja;q=0.8", "en"),
        ("en;q=0.3, ja;q=0.7", "ja"),
        ("fr, ja;q=0.5", "ja"),
        ("zh", "en"),
        (";q=,,ja;q=x,\x00", "en"),
        ("*" * 100_000, "en"),
    ],
)
def test_the_language_is_the_phones(header: str, language: str) -> None:
    assert page.preferred(header) == language


def device(folder: Path) -> EdgeConfig:
    """One whose simulated camera sees a code all day."""
    folder.mkdir(0o700)
    store = Authority().enrolled(folder).store
    scenario = folder / "scenario.json"
    show = {"reader": "till-camera", "begin": 0, "end": 1e6, "format": "QRCode", "content": MEMBER}
    shoppers = [{"shopper": "somebody", "shows": [show]}]
    scenario.write_text(json.dumps({"name": "aim", "seconds": 1e6, "stores": {store: {"shoppers": shoppers}}}))
    cameras = (
        SimulatedCamera(kind="simulated-camera", name="till-camera", zone="till", scenario=scenario),
        Camera(kind="camera", name="real", zone="till", device=97),
    )
    return EdgeConfig(folder=folder, zones=(Zone(zone="till"),), sensors=cameras, screens=())


def test_a_simulated_camera_is_aimed(tmp_path: Path) -> None:
    out = io.StringIO()
    ticks = itertools.count(0.0, 0.6)
    app.aim(device(tmp_path / "edge"), "till-camera", page=True, seconds=3, out=out, clock=lambda: next(ticks))
    first, kept, *lines = out.getvalue().splitlines()
    assert first.startswith("On a phone in the same network, until this ends, in 3 s at the latest: http://")
    assert "nothing is stored" in kept
    assert lines
    assert all(line.startswith("Good: codes are read here.") for line in lines)
    assert MEMBER not in out.getvalue()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_keeps_its_lines_and_shows_the_address_as_a_code(tmp_path: Path) -> None:
    out = Terminal()
    ticks = itertools.count(0.0, 0.6)
    app.aim(device(tmp_path / "edge"), "till-camera", page=True, seconds=3, out=out, clock=lambda: next(ticks))
    said = out.getvalue()
    assert said.count("\r\x1b[K") >= 2
    assert "▀" in said
    assert said.endswith("\n")


def test_a_camera_that_is_not_there_or_not_named_is_a_sentence(tmp_path: Path) -> None:
    config = device(tmp_path / "edge")
    with pytest.raises(SensorError, match="There is no camera /dev/video97"):
        app.aim(config, "real", page=False, seconds=1, out=io.StringIO())
    with pytest.raises(EdgeError, match="no camera 'door'") as error:
        app.aim(config, "door", page=False, seconds=1, out=io.StringIO())
    assert "till-camera, real" in error.value.fix


def test_one_that_the_agent_may_have_says_how_to_get_it(tmp_path: Path) -> None:
    config = device(tmp_path / "edge")
    taken = tmp_path / "video0"
    taken.write_bytes(b"")
    camera = Camera(kind="camera", name="real", zone="till", device=taken)
    with pytest.raises(Taken, match="busy, or is no camera") as error:
        app.aim(replace(config, sensors=(camera,)), "real", page=False, seconds=1, out=io.StringIO())
    assert "systemctl stop noren-edge" in error.value.fix


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "noren.yaml"
    file.write_text(
        f"edge:\n  folder: {tmp_path}\n  zones: [{{zone: till}}]\n  screens: []\n"
        "  sensors: [{kind: camera, name: real, zone: till, device: 97}]\n"
    )
    assert cli.main(["aim", str(file), "real", "--for", "1"]) == 1
    assert "There is no camera /dev/video97" in capsys.readouterr().err


def test_who_sends_a_letter_at_a_time_holds_no_place_for_ever() -> None:
    shown = page.Page("till-camera")
    with page.served(shown, "127.0.0.1", whole=0.3) as address, ExitStack() as open_:
        where = urlsplit(address)
        drips = [
            open_.enter_context(socket.create_connection((where.hostname or "", where.port or 0)))
            for _ in range(page.REQUESTS)
        ]
        gone = 0
        while gone < len(drips):
            for drip in drips:
                with suppress(OSError):
                    drip.send(b"G")
            gone = sum(bool(select.select([drip], [], [], 0.02)[0]) for drip in drips)
        with urllib.request.urlopen(address) as answer:
            assert answer.status == 200
