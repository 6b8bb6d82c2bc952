"""A whole agent with scanners: what one reads becomes an event, and one that is missing is said."""

from __future__ import annotations

import asyncio
import fcntl
import os
from pathlib import Path

from edge_certificates import Authority
from edge_wire import until

from central.contract import events
from edge import app
from edge.config import Broker, EdgeConfig, Keyboard, Serial, Zone
from edge.sensors import keyboard, wired

CARD = b"2900000000018"


def free(fd: int) -> bool:
    """Whether nobody has locked the port."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(fd, fcntl.LOCK_UN)
    return True


def scans(agent: app.App) -> list[events.Scanned]:
    batch = agent.outbox.batch()
    made = [events.read(bytes(data))[1] for data in (batch.events if batch else ())]
    return [body for body in made if isinstance(body, events.Scanned)]


async def test_what_a_scanner_reads_is_an_event_and_a_missing_one_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "edge"
    Authority().enrolled(folder, [Broker(host="127.0.0.1", port=1)])
    scanner, port = os.openpty()
    config = EdgeConfig(
        folder=folder,
        zones=(Zone(zone="till"),),
        sensors=(
            Serial(kind="serial", name="counter", zone="till", device=Path(os.ttyname(port))),
            Keyboard(kind="keyboard", name="pistol", zone="till", device=tmp_path / "event-kbd"),
        ),
        screens=(),
    )
    async with app.opened(config) as agent:
        stop = asyncio.Event()
        running = asyncio.create_task(agent.run(stop))
        await until(lambda: not free(port))
        os.write(scanner, b"]E0" + CARD + b"\r")
        await until(lambda: scans(agent))
        for sensor in agent.sensors:
            assert isinstance(sensor, wired.Wired | keyboard.Keyboard)
            sensor.counts["lines_too_long"] += 2
        status = agent._status(agent.counts())
        stop.set()
        await running
        [scan] = scans(agent)
    os.close(scanner)
    os.close(port)
    assert (scan.reader, scan.zone, scan.outcome) == ("counter", "till", "unknown")
    assert status.counts["lines_too_long"] == 4
    assert f"pistol: There is no scanner {tmp_path}/event-kbd." in " ".join(status.troubles)
