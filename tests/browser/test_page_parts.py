"""What the page reads: mirrors that are being written or lie, journals that grow, and a sum that hides no loss."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.glass import Glass, picture
from browser.stage import Stage
from hypothesis import given, settings
from hypothesis import strategies as st

from central.contract.events import VisitStarted
from central.page.chart import quantile
from central.page.contract import State, Store
from central.page.journal import Shown, Tail
from central.page.mirror import HEAD, Mirror, runs
from central.page.stored import NEWEST, Newest, Totals, read_newest, totals
from central.page.watch import add_up


@pytest.fixture
def glass(tmp_path: Path) -> Iterator[Glass]:
    made = Glass(tmp_path / "one.mirror")
    yield made
    made.stop()


def test_a_picture_is_copied_whole(glass: Glass) -> None:
    mirror = Mirror(glass.path)
    assert mirror.look() is None
    assert mirror.glance() is None
    glass.start(64, 36)
    assert mirror.look() is None
    glass.draw(picture("loop-ja"))
    seen, glance = mirror.look(), mirror.glance()
    assert seen is not None
    assert glance is not None
    assert (seen.width, seen.height, seen.count, len(seen.rgb)) == (64, 36, 2, 64 * 36 * 3)
    assert (glance.count, glance.pid, glance.at_ns) == (2, seen.pid, seen.at_ns)
    assert seen.rgb == picture("loop-ja").resize((64, 36)).tobytes()
    assert runs(seen.pid)
    glass.stop()
    assert not runs(seen.pid)


def test_what_is_being_written_is_no_picture(glass: Glass) -> None:
    glass.start(64, 36)
    glass.draw(picture("loop-ja"))
    glass.begin()
    mirror = Mirror(glass.path)
    assert mirror.look() is None
    glance = mirror.glance()
    assert glance is not None
    assert glance.count == 2


def test_a_process_that_nobody_has_waited_for_does_not_run() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert not runs(child)
    os.waitpid(child, 0)


@settings(max_examples=60)
@given(
    magic=st.sampled_from([b"NORENMIR", b"nothing "]),
    width=st.integers(0, 2**32 - 1),
    height=st.integers(0, 2**32 - 1),
    count=st.integers(0, 2**64 - 1),
    body=st.binary(max_size=64),
)
def test_a_header_that_lies_is_no_picture(
    tmp_path_factory: pytest.TempPathFactory, magic: bytes, width: int, height: int, count: int, body: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "lies.mirror"
    file.write_bytes(HEAD.pack(magic, width, height, count, 0, 1, 0) + body)
    seen = Mirror(file).look()
    assert seen is None or len(seen.rgb) == width * height * 3
    file.write_bytes(struct.pack("<8s", magic) + body[:40])
    assert Mirror(file).look() is None


def test_a_journal_is_followed(tmp_path: Path) -> None:
    file = tmp_path / "journal"
    tail = Tail(file)
    assert not tail.look()

    def last() -> Shown | None:
        return tail.last

    line = b'{"event":"shown","at_ns":9000000,"screen":"s","scene":"a","layout":"greeting","cause":"scan",'
    rest = b'"items":["x"],"carry":{"customers":["c"],"level":2},"trigger_ns":4000000,"decided_ns":0}\n'
    file.write_bytes(line)
    assert tail.look()
    assert last() is None
    with file.open("ab") as journal:
        journal.write(rest + b"no line\n" + b'{"event":"ended","at_ns":1,"scene":"a"}\n')
    assert tail.look()
    shown = last()
    assert shown is not None
    assert (shown.layout, shown.level, shown.people, shown.items) == ("greeting", 2, 1, ("x",))
    assert (shown.trigger_ms, shown.decision_ms) == (5.0, None)
    assert (len(tail.samples), tail.unreadable) == (1, 1)
    assert not tail.look()
    file.write_bytes(b"")  # Begun anew.
    with file.open("ab") as journal:
        journal.write(line.replace(b'"a"', b'"b"') + rest)
    assert tail.look()
    again = last()
    assert again is not None
    assert again.scene == "b"


def test_of_a_long_journal_only_the_end_is_read(tmp_path: Path) -> None:
    file = tmp_path / "journal"
    line = '{{"event":"shown","at_ns":{0},"scene":"s{0}","cause":"schedule","texts":["{1}"]}}\n'
    file.write_text("".join(line.format(n, "字" * 300) for n in range(2000)))
    tail = Tail(file)
    assert tail.look()
    assert tail.last is not None
    assert (tail.last.scene, tail.unreadable) == ("s1999", 0)


def state(*stores: tuple[str, int, int, int]) -> State:
    return State(
        now=0,
        people=(),
        parts=(),
        stores=tuple(
            Store(store=store, connected=True, disk_full=False, made=made, waiting=waiting, refused=refused)
            for store, made, waiting, refused in stores
        ),
        faults=(),
        fault_count=0,
        worst_black_s=0,
    )


def test_one_stores_surplus_hides_no_others_loss() -> None:
    held = {"a": Totals(stored=10), "b": Totals(stored=3, quarantined=1)}
    figures = add_up(state(("a", 9, 2, 0), ("b", 5, 0, 0), ("c", 4, 4, 0)), held)
    assert (figures.made, figures.stored, figures.waiting, figures.lost) == (19, 13, 4, 2)
    assert figures.quarantined == 1


def test_what_is_stored_and_not_acknowledged_is_counted_once() -> None:
    figures = add_up(state(("a", 10, 4, 0)), {"a": Totals(stored=8)})
    assert (figures.made, figures.stored, figures.waiting, figures.lost) == (10, 8, 2, 0)


def test_what_happened_and_could_not_be_kept_is_lost() -> None:
    figures = add_up(state(("a", 10, 3, 2), ("b", 4, 0, 1)), {"a": Totals(stored=7), "b": Totals(stored=4)})
    assert (figures.made, figures.stored, figures.waiting, figures.lost) == (17, 11, 3, 3)


def test_the_newest_events_are_read_once_each(own_stage: Stage) -> None:
    newest = Newest()
    assert not read_newest(own_stage.engine, "ginza", newest)
    many = [VisitStarted(visit=f"v{n}", customer="c", zone="shelf", means="code") for n in range(NEWEST + 5)]
    own_stage.happened("ginza", *many)
    assert read_newest(own_stage.engine, "ginza", newest)
    assert [each.seq for each in newest.events] == list(range(NEWEST + 5, 5, -1))
    assert not read_newest(own_stage.engine, "ginza", newest)
    own_stage.happened("ginza", many[0])
    assert read_newest(own_stage.engine, "ginza", newest)
    assert [each.seq for each in newest.events][:2] == [NEWEST + 6, NEWEST + 5]
    assert not read_newest(own_stage.engine, "umeda", newest)
    assert totals(own_stage.engine)["ginza"].stored == NEWEST + 6


def test_the_quantiles_are_values_that_were_measured() -> None:
    assert quantile([], 50) is None
    assert quantile([7.0], 99) == 7.0
    assert [quantile([1.0, 2.0, 3.0, 4.0], percent) for percent in (50, 99)] == [2.0, 4.0]
