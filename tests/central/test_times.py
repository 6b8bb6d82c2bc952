"""What clocks say in stores, and what central makes of it: right within what it says, or said to be unknown."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import chain_keys
import pytest
from edge_log import EdgeLog
from hypothesis import given, settings
from hypothesis import strategies as st
from ingest_bench import Bench
from sqlalchemy import Engine, select

from central import times
from central.contract import events
from central.contract.events import DRIFT, Born, ClockOffset, CrowdCounted, Played
from central.ingest.report import report
from central.storage import tables
from central.storage.database import open_database, reading, writing
from central.times import SYNCED, Happened, Measure, corrected
from edge.clock import KEEP, Clock

NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def born(wall: datetime, up_s: float, *, synced: bool = False) -> Born:
    return Born(wall=wall, boot="b", up_ms=int(up_s * 1000), synced=synced)


def measure(at_s: float = 100, within: float = 0.2, boot_at: datetime = NOON) -> Measure:
    return Measure(boot_at=boot_at, at_ms=int(at_s * 1000), within=within)


def test_a_synchronised_clock_is_believed_within_a_second() -> None:
    assert corrected(born(NOON, 5, synced=True), []) == Happened(at=NOON, within_s=SYNCED)
    near = NOON + timedelta(seconds=1000.9)
    assert corrected(born(near, 1000, synced=True), [measure()]) == Happened(at=near, within_s=SYNCED)


def test_nobody_knows_when_a_boot_was_that_nobody_measured() -> None:
    assert corrected(born(EPOCH, 5), []) == Happened(at=EPOCH, within_s=None)


def test_what_was_born_in_1970_is_put_in_its_place() -> None:
    found = corrected(born(EPOCH, 40), [measure()])
    assert found == Happened(at=NOON + timedelta(seconds=40), within_s=0.206)


def test_a_year_wrong_and_called_synchronised_is_not_believed() -> None:
    found = corrected(born(NOON - timedelta(days=365), 40, synced=True), [measure()])
    assert found == Happened(at=NOON + timedelta(seconds=40), within_s=0.206)


def test_the_surest_measure_is_taken() -> None:
    day = 86400
    early, late = measure(0, 0.1), measure(10 * day, 0.1, NOON + timedelta(seconds=40))
    assert corrected(born(EPOCH, day), [late, early]).within_s == round(0.1 + DRIFT * day, 3)
    found = corrected(born(EPOCH, 9 * day), [late, early])
    assert found == Happened(at=NOON + timedelta(days=9, seconds=40), within_s=round(0.1 + DRIFT * day, 3))
    sloppy = measure(9 * day, 60)
    assert corrected(born(EPOCH, 9 * day), [late, sloppy]).at == found.at


@pytest.fixture
def bench(enrolled: Engine) -> Bench:
    return Bench(enrolled)


def test_an_offset_that_is_stored_corrects_what_came_before_it(bench: Bench) -> None:
    play = Played(play="p", screen="s", scene="s", layout="loop", cause="schedule", level=0, shown_ms=9, ended="over")
    offset = ClockOffset(boot="b", offset_ms=5, within_ms=300, boot_at=NOON, at_ms=60_000)
    log = EdgeLog().add(events.make(play, born(EPOCH, 10)), events.make(offset, born(NOON, 60)))
    bench.take(log.message(log.batch(1, 1)))

    def shown() -> tuple[datetime, float | None]:
        with reading(bench.engine) as connection:
            (found,) = report(connection, plays=True)["plays"]
        assert found["born"].wall == EPOCH, "what was sent stays as it was"
        return found["at"], found["within_s"]

    assert shown() == (EPOCH, None)
    bench.take(log.message(log.batch(2, 2)))
    assert shown() == (NOON + timedelta(seconds=10), 0.305)


@pytest.mark.parametrize("boot_at", [None, datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)])
def test_an_offset_that_says_nothing_or_nonsense_is_stored_and_corrects_nothing(
    bench: Bench, boot_at: datetime | None
) -> None:
    offset = ClockOffset(boot="b", offset_ms=2**62, within_ms=10**12, boot_at=boot_at, at_ms=10**12)
    log = EdgeLog().add(events.make(offset, born(NOON, 60)))
    bench.take(log.message(log.batch(1, 1)))
    assert len(bench.stored()) == 1
    with reading(bench.engine) as connection:
        assert times.boots(connection) == {}


@dataclass
class World:
    """A machine and central, and the truth that only central knows; seconds since 1970."""

    rate: float
    now: float = NOON.timestamp()
    booted: float = NOON.timestamp() - 20
    boot: int = 0
    system: float = 0.0
    """What the machine's wall clock shows beyond its uptime, until it is synchronised."""
    ntp: float | None = None
    """How wrong the time is that NTP keeps the clock at; None: nobody keeps it."""
    kept: datetime | None = None

    def __post_init__(self) -> None:
        self.made: list[tuple[bytes, float | None]] = []
        self.started()

    def uptime(self) -> float:
        return (self.now - self.booted) * (1 + self.rate)

    def wall(self) -> float:
        return self.system + self.uptime() if self.ntp is None else self.now + self.ntp

    def started(self) -> None:
        """The agent is started, in a boot that may be older."""
        self.clock = Clock(self.kept, system=self.wall, uptime=self.uptime, synced=lambda: self.ntp is not None)
        self.clock.boot = f"boot-{self.boot}"

    def boots(self) -> None:
        self.boot += 1
        self.booted, self.ntp, self.system = self.now, None, 0.0
        self.now += 20
        self.started()

    def passes(self, seconds: float) -> None:
        self.now += seconds
        if seconds > KEEP and self.clock.safe():
            self.kept = self.clock.wall()

    def happens(self) -> None:
        body = CrowdCounted(zone="door", radios=len(self.made), over_ms=1)
        self.made.append((events.make(body, self.clock.born()), self.now))

    def hears(self, there: float, back: float, *, full: bool = False) -> None:
        """Central answers; and the disk takes what the clock owes, unless it is full."""
        asked = self.uptime()
        self.now += there
        time = datetime.fromtimestamp(self.now, UTC)
        self.now += back
        self.clock.heard(time, asked)
        owed = self.clock.owed()
        if owed is not None and not full:
            self.made.append((events.make(owed, self.clock.born()), None))
            self.clock.told(owed)

    def ends_right(self) -> None:
        """A boot whose NTP was wrong hears central before it ends: who never does can only believe its kernel."""
        self.hears(0.02, 0.02)


AGENTS = itertools.count()
SPANS = st.sampled_from([0.5, 30.0, 600.0, 3600.0, 86_400.0, 3 * 86_400.0])
DELAYS = st.sampled_from([0.01, 0.3, 4.0, 20.0])
ACTS = st.one_of(
    st.tuples(st.just("event")),
    st.tuples(st.just("pass"), SPANS),
    st.tuples(st.just("hear"), DELAYS, DELAYS, st.booleans()),
    st.tuples(st.just("ntp")),
    st.tuples(st.just("ntp is wrong"), st.sampled_from([-31_536_000.0, -7200.0, 7200.0, 86_400.0 * 400])),
    st.tuples(st.just("ntp is gone")),
    st.tuples(st.just("stepped"), st.sampled_from([-7200.0, 50.0, 1e9])),
    st.tuples(st.just("restart")),
    st.tuples(st.just("boot")),
)


def act(world: World, kind: str, *args: float) -> None:
    if kind == "event":
        world.happens()
    elif kind == "pass":
        world.passes(*args)
    elif kind == "hear":
        world.hears(args[0], args[1], full=bool(args[2]))
    elif kind == "ntp":
        world.ntp = 0.0
    elif kind == "ntp is wrong":
        world.ntp = args[0]
        world.happens()
        world.passes(30)
        world.ends_right()
    elif kind == "ntp is gone":
        world.system, world.ntp = world.wall() - world.uptime(), None
    elif kind == "stepped":
        world.system += args[0]
    elif kind == "restart":
        world.started()
    else:
        world.ends_right()
        world.boots()


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder: Path = tmp_path_factory.mktemp("times")
    engine = open_database(f"sqlite:///{folder / 'central.db'}")
    yield Bench(engine)
    engine.dispose()


@settings(max_examples=150, deadline=None)
@given(acts=st.lists(ACTS, max_size=25), rate=st.floats(min_value=-0.99e-4, max_value=0.99e-4), seed=st.integers(0, 99))
def test_every_time_is_right_within_what_central_says_of_it(
    central: Bench, acts: list[tuple[str, float]], rate: float, seed: int
) -> None:
    world = World(rate=rate, system=random.Random(seed).choice([0.0, 1e8, NOON.timestamp(), 3e9]))
    for kind, *args in acts:
        act(world, kind, *args)
    world.happens()
    world.hears(0.05, 0.05)
    agent = f"pi-{next(AGENTS)}"
    with writing(central.engine) as connection:
        chain_keys.known(connection, "ginza", agent)
    log = EdgeLog(agent=agent).add(*(made for made, _ in world.made))
    central.take(log.message(log.batch(1, len(log.made))))
    with reading(central.engine) as connection:
        boots = times.boots(connection, agent)
        mine = select(tables.events.c.data).where(tables.events.c.agent == agent).order_by(tables.events.c.seq)
        stored = connection.scalars(mine).all()
    assert len(stored) == len(world.made)
    for data, (_, truth) in zip(stored, world.made, strict=True):
        event, _ = events.read(data.encode())
        found = corrected(event.born, boots.get((agent, event.born.boot), ()))
        assert found.within_s is not None, "every boot heard central once"
        if truth is not None:
            assert abs(found.at.timestamp() - truth) <= found.within_s + 0.002


def test_days_without_ntp_and_a_link_are_put_right_when_the_link_comes(central: Bench) -> None:
    world = World(rate=0.9e-4)
    for _ in range(5):
        world.happens()
        world.passes(86_400)
    world.hears(0.05, 0.05)
    ((offset, _),) = [one for one in world.made if one[1] is None]
    _, said = events.read(offset)
    assert isinstance(said, ClockOffset)
    assert said.boot_at is not None
    measured = [Measure(boot_at=said.boot_at, at_ms=said.at_ms, within=said.within_ms / 1000)]
    for data, truth in world.made:
        event, _ = events.read(data)
        found = corrected(event.born, measured)
        assert found.within_s is not None
        assert found.within_s < 44
        if truth is not None:
            assert abs(found.at.timestamp() - truth) <= found.within_s
