"""Who takes a device's card away reads no name, no member number, no beacon and no key in it."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path

import pytest
from edge_certificates import Authority
from edge_pages import take
from edge_wire import Wire

from central.contract import feeds, member_code
from edge import beacons, enrolment
from edge.asking import Asking
from edge.clock import Clock
from edge.config import EdgeConfig, ScreenConfig, Zone
from edge.director import Director
from edge.floor import Floor
from edge.frequency import Frequency
from edge.identity import Identity
from edge.keyring import Keyring
from edge.model import Advert, Scan, ScreenId, ZoneId
from edge.outbox import Outbox
from edge.reading import Reading
from edge.replays import Replays
from edge.replica import Replica
from edge.report import Report
from edge.screen import Player
from edge.seal import FILE, Seal, about, sealing_key
from edge.storage import Storage
from signage.contract import Hello, Played

TREE = Path(__file__).parents[2]
TILL = ZoneId("till")
NAME, PRODUCT = "みなみ", "春の煎茶"
NUMBER = "290000000012" + member_code.check_digit("290000000012")
UUID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
BEACON = beacons.ibeacon(UUID, 0x4D2A, 0x7B3C, -59)
TOKEN_KEY = bytes(range(100, 132))

pytestmark = pytest.mark.system


def spellings(text: str) -> Iterable[bytes]:
    """A text as a file may hold it."""
    escaped = text.encode("unicode_escape")
    yield from (text.encode(), text.encode("utf-16-le"), text.encode("utf-16-be"), escaped, escaped.upper())
    yield json.dumps(text).strip('"').encode()


def secrets(sealing: bytes) -> dict[str, set[bytes]]:
    """What nobody may find, in all its spellings."""
    beacon = beacons.parse(BEACON)
    assert beacon is not None
    its = bytes.fromhex(UUID.replace("-", ""))
    keys = {
        what: {
            key,
            key.hex().encode(),
            key.hex().upper().encode(),
            base64.b64encode(key),
            base64.urlsafe_b64encode(key),
        }
        for what, key in (("token key", TOKEN_KEY), ("sealing key", sealing))
    }
    return {
        "nickname": set(spellings(NAME)),
        "member number": set(spellings(NUMBER)) | set(spellings(NUMBER[:-1])),
        "beacon": {*spellings(beacon.id), *spellings(UUID), *spellings(UUID.upper()), its, its.hex().encode(), BEACON},
        **keys,
    }


def found(folder: Path, wanted: dict[str, set[bytes]]) -> dict[str, list[str]]:
    """In which files of a copy of this folder each thing lies."""
    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != FILE}
    return {
        what: places
        for what, words in wanted.items()
        if (places := [str(path.relative_to(folder)) for path, data in files.items() if any(w in data for w in words)])
    }


class Device:
    """A store's agent and its player on one card."""

    def __init__(self, card: Path) -> None:
        self.card = card
        self.edge = card / "edge"
        self.hello = asyncio.Event()
        self.shown: list[Played] = []
        self.more = asyncio.Event()

    @contextmanager
    def player(self) -> Iterator[None]:
        config = self.card / "noren.yaml"
        config.write_text(
            f"signage:\n  screen: till\n  socket: {self.card}/s\n  folder: {self.card}/player\n"
            "  display: {mode: headless, width: 640, height: 360}\n"
        )
        command = [sys.executable, "-m", "signage", "run", str(config)]
        process = subprocess.Popen(command, cwd=TREE, stderr=subprocess.DEVNULL, text=True)
        try:
            yield
        finally:
            process.kill()
            process.wait()

    def plays(self) -> list[bytes]:
        """Of whom a scene is for, as the player keeps it."""
        with closing(sqlite3.connect(self.card / "player" / "player.db")) as db:
            return [body for (body,) in db.execute("SELECT body FROM plays") if b'"sealed"' in body]

    @asynccontextmanager
    async def agent(self, seal: Seal) -> AsyncIterator[tuple[Floor, Outbox]]:
        config = EdgeConfig(
            folder=self.edge,
            zones=(Zone(zone=TILL),),
            sensors=(),
            screens=(ScreenConfig(screen="till", socket=self.card / "s", zones=(TILL,), use="till"),),
        )
        async with Storage.open(self.edge / "edge.sqlite") as storage:
            outbox, replica = Outbox(storage, 1 << 24, seal, "ginza-1"), Replica(storage, seal, "ginza")
            frequency = Frequency(storage, seal, "ginza")
            await frequency.open()
            await outbox.open()
            await replica.open()
            await fill(replica)
            screen, clock = ScreenId("till"), Clock(synced=lambda: True)
            report = Report(outbox, clock)
            player = Player(
                screen, str(self.card / "s"), seal=seal, store="ginza", hello=self._hello, played=self._played
            )
            replays = Replays(storage)
            await replays.open()
            identity = Identity(TOKEN_KEY, replica, Keyring(), replays)
            asking = Asking(Wire(), clock, "ginza", "ginza-1")
            self.floor = Floor(
                config,
                reading=Reading(Director.of(config), identity, asking, replica, report, clock, confirmed=lambda: True),
                replica=replica,
                report=report,
                clock=clock,
                screens={screen: player},
                frequency=frequency,
                confirmed=lambda: True,
            )
            running = [asyncio.create_task(work) for work in (self.floor.run(), report.run(), player.run())]
            try:
                yield self.floor, outbox
            finally:
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)

    def _hello(self, _screen: ScreenId, _hello: Hello) -> None:
        self.hello.set()

    def _played(self, screen: ScreenId, played: Played) -> None:
        self.shown.append(played)
        self.floor.played(screen, played)
        self.more.set()


async def fill(replica: Replica) -> None:
    both, customer = ("presence", "signage"), "c-minami"
    interest = feeds.Interest(sku="tea", at=Clock().wall())
    profile = feeds.Profile(customer=customer, purposes=both, nickname=NAME, points=7, viewed=(interest,))
    beacon = beacons.parse(BEACON)
    assert beacon is not None
    await take(replica, "profiles", {customer: profile, "broken": {"customer": 7, "nickname": NAME}})
    await take(
        replica,
        "tokens",
        {
            member_code.token(TOKEN_KEY, "code", NUMBER): feeds.Token(customer=customer, means="code"),
            member_code.token(TOKEN_KEY, "beacon", beacon.id): feeds.Token(customer=customer, means="beacon"),
        },
    )
    product = feeds.Product(sku="tea", name={"ja": PRODUCT}, yen=500, category="tea")
    await take(replica, "products", {"tea": product})
    await take(replica, "stock", {"tea": feeds.Stock(sku="tea", on_hand=3, sold=9)})


async def shop(device: Device, seal: Seal, copy: Path) -> None:
    """Have a member come, greet them, and take the card away while plays wait on both sides."""
    with device.player():
        async with device.agent(seal) as (floor, outbox):
            await device.hello.wait()
            now = asyncio.get_running_loop().time()
            for ago in (0.4, 0.2, 0.0):
                floor.deliver(Advert(at=now - ago, receiver="r", zone=TILL, address="AA", rssi=-55, data=BEACON))
            floor.deliver(Scan(at=now, reader="cam", zone=TILL, format="QRCode", content=NUMBER.encode()))
            # Polled: the player's disk tells nobody when it is on the screen.
            while not device.plays():  # noqa: ASYNC110
                await asyncio.sleep(0)
            taken(device.card, copy / "running")
            floor.dark()
            while not any(play.carry.get("customers") == ["c-minami"] for play in device.shown):
                device.more.clear()
                await device.more.wait()
            while outbox.state.last < 3:
                outbox.arrived.clear()
                await outbox.arrived.wait()
            taken(device.card, copy / "later")
    taken(device.card, copy / "stopped")


def taken(card: Path, to: Path) -> None:
    shutil.copytree(card, to, ignore=lambda _, names: [name for name in names if name == "s"])


@pytest.fixture
def device(tmp_path: Path) -> Device:
    card = tmp_path / "card"
    enrolled = Authority().enrolled(card / "edge")
    key = sealing_key("disk", card / "edge")
    enrolment.keep_token(enrolled, Seal(key).seal(TOKEN_KEY, about("token-key", "ginza")))
    return Device(card)


async def test_a_copy_of_the_whole_card_holds_nothing_of_anybody(tmp_path: Path, device: Device) -> None:
    key = sealing_key("disk", device.edge)
    assert key is not None
    await shop(device, Seal(key), tmp_path / "copy")
    for copy in ("running", "later", "stopped"):
        folder = tmp_path / "copy" / copy
        assert found(folder, secrets(key)) == {}
        assert found(folder, {"product": set(spellings(PRODUCT))}), "what is nobody's is found: so the search searches"
        assert {"edge.sqlite", "player.db", "key.pem"} <= {path.name for path in folder.rglob("*")}


class Glass(Seal):
    """Seals nothing, but for a mark: what begins as JSON does is not believed to be ours."""

    def seal_all(self, data: Iterable[bytes], _abouts: Iterable[bytes]) -> list[bytes]:
        return [b"\x01" + one for one in data]

    def open(self, sealed: bytes, _about: bytes) -> bytes:
        return sealed.removeprefix(b"\x01")


async def test_what_is_not_sealed_would_be_found(tmp_path: Path, device: Device) -> None:
    key = sealing_key("disk", device.edge)
    assert key is not None
    await shop(device, Glass(key), tmp_path / "copy")
    assert "nickname" in found(tmp_path / "copy" / "stopped", secrets(key))
