"""A real agent's storage, killed with -9 while it writes: what it said was kept is there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import edge
from central.contract.batches import GENESIS, link, walk
from edge.outbox import Outbox
from edge.seal import Seal, about
from edge.storage import Storage

SEAL = Seal(bytes(32))
CHILD = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from central.contract.batches import Ack, walk
from edge.outbox import Outbox
from edge.seal import Seal, about
from edge.storage import Storage

async def put(outbox, number):
    event = b'{"n":%d,"x":"%s"}' % (number, b"x" * 200)
    seq = await outbox.put(event, drop="visits", key=f"key-{number}", now=number % 7 == 0)
    print(seq, number, flush=True)

async def main():
    async with Storage.open(Path(sys.argv[1])) as storage:
        outbox = Outbox(storage, 500_000, Seal(bytes(32)), "pi-1")
        await outbox.open()
        number = outbox.state.last
        while True:
            await asyncio.gather(*(put(outbox, number + n) for n in range(1, 31)))
            number += 30
            batch = outbox.batch(25)
            *_, end = walk(batch)
            ack = Ack(epoch=batch.epoch, seq=end.seq, chain=end.chain, time=datetime.now(UTC))
            assert await outbox.acknowledged(ack) == "ok"

asyncio.run(main())
"""


@pytest.mark.parametrize("lines", [1, 333, 1200])
async def test_what_was_said_to_be_kept_survives_kill_9(tmp_path: Path, lines: int) -> None:
    file = tmp_path / "edge.sqlite"
    said: dict[int, int] = {}
    for _ in range(3):  # It begins again where it was killed.
        said |= _run_and_kill(file, lines)
        async with Storage.open(file) as storage:
            outbox = Outbox(storage, 500_000, SEAL, "pi-1")
            await outbox.open()
            state = outbox.state
            rows = storage.read("SELECT seq, data, chain FROM event ORDER BY seq")
            assert [seq for seq, _, _ in rows] == list(range(state.floor + 1, state.last + 1))
            assert max(said) <= state.last
            chain = state.floor_chain if state.floor else GENESIS
            for seq, data, its in rows:
                data = SEAL.open(data, about("event", state.epoch, seq))
                chain = link(chain, data)
                assert chain == its.hex()
                assert seq not in said or data.startswith(b'{"n":%d,' % said[seq])
            batch = outbox.batch()
            assert batch is None or next(walk(batch)).seq == state.acked + 1
            for seq, number in list(said.items())[-3:]:
                assert await outbox.put(b"again", drop="visits", key=f"key-{number}") == seq


def _run_and_kill(file: Path, lines: int) -> dict[int, int]:
    environment = os.environ | {"PYTHONPATH": str(Path(edge.__file__).parent.parent)}
    child = subprocess.Popen([sys.executable, "-c", CHILD, file], stdout=subprocess.PIPE, text=True, env=environment)
    assert child.stdout is not None
    with child.stdout:
        said = [line for _, line in zip(range(lines), child.stdout, strict=False)]
        child.send_signal(signal.SIGKILL)
        said += child.stdout.readlines()
    assert child.wait() == -signal.SIGKILL
    pairs = [line.split() for line in said if line.endswith("\n")]
    return {int(seq): int(number) for seq, number in pairs}
