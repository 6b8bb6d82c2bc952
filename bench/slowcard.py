"""Measures scan to scene in the agent, on a good card and on one whose every commit takes 200 ms longer."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Raw

from central.contract import feeds, member_code
from central.contract.codec import encode
from edge.asking import Asking
from edge.clock import Clock
from edge.config import EdgeConfig, ScreenConfig, Zone
from edge.director import Director
from edge.floor import Floor
from edge.frequency import Frequency
from edge.identity import Identity
from edge.keyring import Keyring
from edge.model import Scan, ScreenId, ZoneId
from edge.outbox import Outbox
from edge.reading import Reading
from edge.replays import Replays
from edge.replica import Replica
from edge.report import Report
from edge.seal import Seal
from edge.storage import Storage
from signage.contract import Show, ToPlayer

SCANS = 300
SLOW = 0.2
"""Seconds that each commit of the slow card takes longer."""
KEY = bytes(32)
MEMBERS = 8
TILL = ZoneId("till")


class Nowhere:
    """A link that is down."""

    connected = False

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:  # noqa: ARG002
        return False


class Screen:
    """Notes when a scene comes, and for whom."""

    def __init__(self) -> None:
        self.shown: list[tuple[float, object]] = []
        self.came = asyncio.Event()

    def send(self, message: ToPlayer) -> bool:
        if isinstance(message, Show):
            self.shown.append((time.monotonic(), message.carry["customers"]))
            self.came.set()
        return True

    def again(self) -> None:
        pass


def number(member: int) -> str:
    digits = f"2900000000{member:02}"
    return digits + member_code.check_digit(digits)


async def fill(replica: Replica) -> None:
    """Know some members who agreed, and a product to show them."""
    both = ("presence", "signage")
    rows: dict[str, dict[str, object]] = {
        "profiles": {f"c{n}": feeds.Profile(customer=f"c{n}", purposes=both, nickname="はな") for n in range(MEMBERS)},
        "tokens": {
            member_code.token(KEY, "code", number(n)): feeds.Token(customer=f"c{n}", means="code")
            for n in range(MEMBERS)
        },
        "products": {"tea": feeds.Product(sku="tea", name={"ja": "お茶"}, yen=500, category="tea")},
        "stock": {"tea": feeds.Stock(sku="tea", on_hand=3, sold=9)},
    }
    for feed, its in rows.items():
        made = tuple(
            feeds.Row(key=key, version=n, body=Raw(encode(body))) for n, (key, body) in enumerate(its.items(), 1)
        )
        for after, content in ((0, made), (len(made), ())):  # A first page is in use once central has continued it.
            page = feeds.Page(
                scope="bench", feed=feed, after=after, upto=len(made), head=len(made), generation="g", horizon=0,
                rows=content,
            )  # fmt: skip
            assert await replica.apply(page) is not None


async def scan_to_screen(folder: Path, scans: int, delay: float) -> list[float]:
    """Milliseconds from each scan to its scene, while every commit takes `delay` seconds longer."""
    screen = Screen()
    config = EdgeConfig(
        folder=folder,
        zones=(Zone(zone=TILL),),
        sensors=(),
        screens=(ScreenConfig(screen="t", socket=folder / "t", zones=(TILL,), use="till"),),
    )
    async with Storage.open(folder / "edge.sqlite") as storage:
        outbox, replica = (
            Outbox(storage, 1 << 26, Seal(bytes(32)), "bench-1"),
            Replica(storage, Seal(bytes(32)), "bench"),
        )
        frequency = Frequency(storage, Seal(bytes(32)), "bench")
        await frequency.open()
        await outbox.open()
        await replica.open()
        await fill(replica)

        def slow(sql: str) -> None:  # In the writer thread, with the real commit after it.
            if sql == "COMMIT":
                time.sleep(delay)

        await storage.write(lambda db: db.set_trace_callback(slow if delay else None), now=True)
        clock = Clock(datetime.now(UTC), synced=lambda: True)
        report = Report(outbox, clock)
        replays = Replays(storage)
        await replays.open()
        identity, asking = Identity(KEY, replica, Keyring(), replays), Asking(Nowhere(), clock, "ginza", "ginza-1")
        floor = Floor(
            config,
            reading=Reading(Director.of(config), identity, asking, replica, report, clock, confirmed=lambda: True),
            replica=replica,
            report=report,
            clock=clock,
            screens={ScreenId("t"): screen},
            frequency=frequency,
            confirmed=lambda: True,
        )
        running = [asyncio.create_task(floor.run()), asyncio.create_task(report.run())]
        took: list[float] = []
        for turn in range(scans):
            screen.came.clear()
            at = time.monotonic()
            content = number(turn % MEMBERS).encode()
            floor.deliver(Scan(at=at, reader="cam", zone=TILL, format="QRCode", content=content))
            await screen.came.wait()
            took.append((screen.shown[-1][0] - at) * 1000)
            assert screen.shown[-1][1] == [f"c{turn % MEMBERS}"]
            await asyncio.sleep(0.01)
        await storage.write(lambda db: db.set_trace_callback(None), now=True)
        while report.busy:  # noqa: ASYNC110 - a bench may poll.
            await asyncio.sleep(0.01)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        assert outbox.state.last == scans
    return took


def figures(folder: Path) -> dict[str, float]:
    """Medians and 99th percentiles of both cards."""
    told: dict[str, float] = {"slow_card_ms": SLOW * 1000}
    for name, delay in (("", 0.0), ("_slow_card", SLOW)):
        took = asyncio.run(scan_to_screen(folder / f"card{name}", SCANS, delay))
        told[f"scan_to_scene_ms_p50{name}"] = round(statistics.median(took), 2)
        told[f"scan_to_scene_ms_p99{name}"] = round(statistics.quantiles(took, n=100)[98], 2)
    return told


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(figures(Path(folder))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
