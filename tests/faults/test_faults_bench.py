"""The bench of faults: it finds what is planted, and a short run of every kind finds nothing."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.faults.cards import Card
from bench.faults.check import Central, Gap, Made, Moved, Stored, check, identity
from bench.faults.history import History
from bench.faults.plan import KINDS, deal
from bench.faults.wires import Wire
from central.contract import events

TREE = Path(__file__).parents[2]
A, B = "epoch-a", "epoch-b"


def made(*names: str, epoch: str = A, first: int = 1) -> list[Made]:
    return [
        Made(agent="one", id=name, epoch=epoch, seq=seq, order=(float(seq), seq))
        for seq, name in enumerate(names, first)
    ]


def stored(*names: str, epoch: str = A, first: int = 1) -> list[Stored]:
    return [Stored(agent="one", epoch=epoch, seq=seq, id=name) for seq, name in enumerate(names, first)]


def gap(first: int, last: int, *, epoch: str = A, agent: str = "one") -> Gap:
    return Gap(agent=agent, epoch=epoch, first=first, last=last, cause="outbox_full")


def central(
    rows: list[Stored], gaps: list[Gap] | None = None, explained: frozenset[tuple[str, str, int]] = frozenset()
) -> Central:
    last = {(row.agent, row.epoch): 0 for row in rows}
    for row in rows:
        last[row.agent, row.epoch] = max(last[row.agent, row.epoch], row.seq)
    cursors = [(agent, epoch, seq) for (agent, epoch), seq in last.items()]
    return Central(stored=rows, gaps=gaps or [], cursors=cursors, explained=explained)


def test_what_is_all_there_is_good() -> None:
    verdict = check(made("x", "y", "z"), central(stored("x", "y", "z")))
    assert verdict.good
    assert (verdict.made, verdict.stored, verdict.untold) == (3, 3, 0)


def test_an_event_that_is_not_stored_is_lost() -> None:
    verdict = check(made("x", "y", "z"), central(stored("x", "y")))
    assert [one.id for one in verdict.lost] == ["z"]
    assert not verdict.good


def test_an_event_that_stands_twice_is_doubled_also_across_epochs() -> None:
    rows = stored("x", "y") + stored("y", "z", epoch=B)
    verdict = check(made("x", "y", "z"), central(rows))
    assert verdict.doubled == ["y"]
    assert not verdict.good


def test_events_that_change_places_are_out_of_order() -> None:
    verdict = check(made("x", "y", "z"), central(stored("x", "z", "y")))
    assert [row.id for row in verdict.out_of_order] == ["y"]
    assert not verdict.good


def test_order_is_that_of_making_also_where_another_epoch_carries_on() -> None:
    rows = stored("x") + stored("y", "z", epoch=B)
    assert check(made("x", "y", "z"), central(rows)).good
    turned = stored("x") + stored("z", "y", epoch=B)
    assert [row.id for row in check(made("x", "y", "z"), central(turned)).out_of_order] == ["y"]


def test_a_dropped_event_must_lie_in_a_gap_that_was_declared() -> None:
    rows = [*stored("x"), *stored("z", first=3)]
    told = check(made("x", "y", "z"), central(rows, [gap(2, 2)]))
    assert told.good
    assert told.in_gaps == {"outbox_full": 1}
    untold = check(made("x", "y", "z"), central(rows))
    assert [one.id for one in untold.lost] == ["y"]
    assert untold.unexplained == [("one", A, 2)]


@pytest.mark.parametrize("elsewhere", [gap(1, 1), gap(2, 2, epoch=B), gap(2, 2, agent="two")])
def test_a_gap_elsewhere_explains_nothing(elsewhere: Gap) -> None:
    rows = [*stored("x"), *stored("z", first=3)]
    assert [one.id for one in check(made("x", "y", "z"), central(rows, [elsewhere])).lost] == ["y"]


def test_a_gap_explains_what_a_fork_has_moved_there() -> None:
    rows = [*stored("x"), *stored("z", epoch=B, first=2)]
    moves = [Moved(agent="one", epoch=A, base=1, to=B)]
    assert check(made("x", "y", "z"), central(rows, [gap(1, 1, epoch=B)]), moves).good
    assert [one.id for one in check(made("x", "y", "z"), central(rows, [gap(1, 1, epoch=B)])).lost] == ["y"]
    # What was acknowledged before the fork was not moved.
    rows = stored("z", epoch=B, first=2)
    lost = check(made("x", "y", "z"), central(rows, [gap(1, 1, epoch=B)]), moves).lost
    assert [one.id for one in lost] == ["x"]


def test_a_place_that_holds_nothing_needs_a_reason() -> None:
    rows = [*stored("x"), *stored("z", first=3)]
    assert check(made("x", "z"), central(rows)).unexplained == [("one", A, 2)]
    assert check(made("x", "z"), central(rows, explained=frozenset({("one", A, 2)}))).good


def test_what_is_stored_and_was_not_told_is_no_fault() -> None:
    verdict = check(made("x"), central(stored("x", "killed-before-it-told")))
    assert verdict.good
    assert verdict.untold == 1


def test_a_play_that_was_told_again_has_no_order_of_its_own() -> None:
    again = [replace(one, order=None) if one.id == "y" else one for one in made("x", "y", "z")]
    verdict = check(again, central(stored("y", "x", "z")))
    assert verdict.good
    assert verdict.untold == 0


def test_a_key_put_twice_is_one_event() -> None:
    twice = [*made("x"), replace(made("x")[0], order=(9.0, 9))]
    verdict = check(twice, central(stored("x")))
    assert verdict.good
    assert verdict.made == 1
    assert len(check(twice, central([])).lost) == 1


def test_an_event_is_known_by_its_id_and_a_play_by_its_own() -> None:
    born = events.Born(wall=datetime.now(UTC), boot="b", up_ms=1, synced=True)
    crowd = events.CrowdCounted(zone="bench-a0-1-0-7", radios=3, over_ms=1)
    assert identity(events.make(crowd, born)) == "bench-a0-1-0-7"
    play = events.Played(
        play="p-1", screen="s", scene="s", layout="l", cause="schedule", level=0, shown_ms=1, ended="over"
    )
    later = replace(born, up_ms=2)
    assert identity(events.make(play, born)) == identity(events.make(play, later)) == "play-p-1"
    other = events.AgentStarted(version="1", epoch="e")
    assert identity(events.make(other, born)) != identity(events.make(other, later))


def test_a_seed_deals_the_same_plan_and_every_kind() -> None:
    plan = deal(7, 100, 3)
    assert plan == deal(7, 100, 3)
    assert plan != deal(8, 100, 3)
    assert sorted(fault.kind for fault in plan[: len(KINDS)]) == sorted(KINDS)
    assert {fault.agent for fault in plan} == {0, 1, 2}
    assert all(
        fault.kind not in ("power_cut", "disk_filled") for fault in deal(7, 100, 3, ["power_cut", "disk_filled"])
    )


async def test_a_plain_card_is_copied_and_put_back(tmp_path: Path) -> None:
    card = Card(tmp_path / "card", looped=False)
    await card.make()
    (card.folder / "file").write_text("then")
    await card.copy(tmp_path / "taken")
    (card.folder / "file").write_text("now")
    await card.put_back(tmp_path / "taken")
    assert (card.folder / "file").read_text() == "then"


async def test_a_stalled_wire_holds_what_is_sent_and_a_broken_one_ends(tmp_path: Path) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    wire = Wire()
    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        ports = await wire.lay({"echo": server.sockets[0].getsockname()[1]})
        reader, writer = await asyncio.open_connection("127.0.0.1", ports["echo"])
        writer.write(b"one")
        assert await reader.readexactly(3) == b"one"
        wire.stall()
        writer.write(b"two")
        coming = asyncio.create_task(reader.readexactly(3))
        await asyncio.sleep(0)
        assert not coming.done()
        wire.flow(broken=False)
        assert await coming == b"two"
        wire.stall()
        wire.flow(broken=True)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await reader.readexactly(1)
        writer.close()
        await wire.close()


async def test_central_and_an_edge_never_go_back_at_one_time() -> None:
    history = History()
    order: list[str] = []

    async def central_goes_back() -> None:
        async with history.central():
            order.append("central")

    async def edge_goes_back() -> None:
        async with history.edge():
            order.append("edge")

    async with asyncio.TaskGroup() as group, history.edge():
        for goes_back in (central_goes_back, edge_goes_back):
            group.create_task(goes_back())
            for _ in range(5):
                await asyncio.sleep(0)
        order.append("first")
    # The other edge came later than central: or with many edges central's turn would never come.
    assert order == ["first", "central", "edge"]


@pytest.mark.system
def test_a_run_of_every_kind_loses_doubles_and_turns_nothing() -> None:
    command = [
        sys.executable,
        "-m",
        "bench.faults",
        "--faults",
        str(len(KINDS)),
        "--seed",
        "1",
        "--agents",
        "2",
        "--json",
    ]
    with tempfile.TemporaryDirectory() as folder:  # pytest's own paths are too long for a socket.
        done = subprocess.run([*command, "--folder", folder], cwd=TREE, capture_output=True, text=True, check=False)
        assert not list(Path(folder).iterdir()), "it leaves nothing behind"
    assert done.stdout, done.stderr
    figures = json.loads(done.stdout)
    assert done.returncode == 0, figures
    assert set(figures["by_kind"]) | set(figures["left_out"]) == set(KINDS)
    for name in (
        "lost",
        "doubled",
        "out_of_order",
        "unexplained_places",
        "quarantined",
        "times_wrong",
        "forks_strange",
    ):
        assert figures[name] == 0, figures
    assert figures["events_stored"] > 0
    assert figures["forks_found"] == figures["forks_made"] > 0
