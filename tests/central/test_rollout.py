"""Settings reach one store, then a tenth, then all, only while every agent does well; or go back."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path

import pytest
from edge_log import NOON
from sqlalchemy import Engine, select

from central import rollout
from central.contract import codec, feeds
from central.contract.commands import Status
from central.errors import Unknown
from central.feeds.projector import project
from central.rollout import BACK, FRESH, SAYS, Chosen, Levels, Roll, Rollout, Seen, judge, stores_of
from central.storage import tables
from central.storage.database import reading, writing
from ground import settings as files
from ground.settings import SettingsError

KEY = bytes(range(32))
HOLD = timedelta(seconds=60)
SECOND = timedelta(seconds=1)


class Chain:
    """Stores of one agent each, which do what central wants, unless told otherwise."""

    def __init__(self, engine: Engine, stores: int) -> None:
        self.engine = engine
        self.now = NOON
        self.woken = 0
        self.linked = True
        self.online = {f"s{number:02}": True for number in range(stores)}
        self.stubborn: dict[str, str | None] = {}
        """Who goes back from (or, None, says nothing of) whatever is new."""
        self.good: dict[str, str | None] = dict.fromkeys(self.online)
        self.failed: dict[str, str | None] = dict.fromkeys(self.online)
        with writing(engine) as connection:
            for store in self.online:
                row = {"agent": f"{store}-1", "store": store, "revoked": False, "revision": 1}
                connection.execute(tables.agent.insert().values(**row))
        self.say()
        self.rollout = self.started()

    def started(self) -> Rollout:
        """Central, from its start on."""

        def woken() -> None:
            self.woken += 1

        return Rollout(self.engine, lambda: self.now, woken, lambda: self.linked)

    def say(self) -> None:
        """Every agent's status comes in; one that is away has left its will."""
        with writing(self.engine) as connection:
            for store, online in self.online.items():
                status = Status(online=online, version="1", epoch="e", boot="b")
                if online:
                    status = replace(status, settings=self.good[store], settings_failed=self.failed[store])
                values = {"status": codec.encode(status).decode()} | ({"status_at": self.now} if online else {})
                connection.execute(tables.agent.update().where(tables.agent.c.store == store).values(**values))

    def follow(self) -> None:
        """Every agent that is there takes what its store has."""
        for store in self.online:
            wanted = self.has().get(store)
            if not self.online[store] or wanted == self.good[store]:
                continue
            if store in self.stubborn and wanted is not None:
                self.failed[store] = wanted if self.stubborn[store] else self.failed[store]
            else:
                self.good[store] = wanted
        self.say()

    def run(self, seconds: int, *, follow: bool = True) -> None:
        by = 1 if seconds < 100 else 5
        for _ in range(0, seconds, by):
            self.now += by * SECOND
            self.rollout.step()
            if follow:
                self.follow()

    def begin(self, chosen: Chosen = Chosen(outbox_mb=64), first: str | None = None) -> str:  # noqa: B008 - frozen.
        with writing(self.engine) as connection:
            return rollout.begin(connection, chosen, first, HOLD, self.now)

    def has(self) -> dict[str, str]:
        with reading(self.engine) as connection:
            return {row.store: row.settings for row in connection.execute(select(tables.store_settings))}

    def state(self, settings: str) -> tuple[str, int, str]:
        with reading(self.engine) as connection:
            row = connection.execute(select(tables.settings).where(tables.settings.c.settings == settings)).one()
        return row.state, row.stage, row.said


def test_one_then_a_tenth_then_all_each_after_it_has_done_well(engine: Engine) -> None:
    chain = Chain(engine, 25)
    mine = chain.begin(first="s07")
    assert chain.has() == {"s07": mine}
    numbers = []
    for _ in range(200):
        chain.run(1)
        numbers.append(len(chain.has()))
    assert [numbers.count(number) for number in (1, 3, 25)] == [61, 61, 78]
    assert chain.state(mine) == ("good", 2, "")
    assert set(chain.has().values()) == {mine}
    assert chain.woken == 2, "the projector works at once"


def test_a_few_stores_have_no_tenth(engine: Engine) -> None:
    chain = Chain(engine, 3)
    mine = chain.begin()
    chain.run(63)
    assert len(chain.has()) == 3
    chain.run(63)
    assert chain.state(mine)[0] == "good"


def test_a_break_begins_the_minute_anew(engine: Engine) -> None:
    chain = Chain(engine, 3)
    chain.begin(first="s01")
    chain.run(50)
    chain.online["s01"] = False
    chain.run(5)
    chain.online["s01"] = True
    chain.run(50)
    assert len(chain.has()) == 1
    chain.run(20)
    assert len(chain.has()) == 3


@pytest.mark.parametrize("when", [1, 70, 140])
def test_one_agent_that_goes_back_takes_all_back_to_the_last_good_ones(engine: Engine, when: int) -> None:
    chain = Chain(engine, 25)
    good = chain.begin(Chosen(outbox_mb=32))
    chain.run(200)
    assert chain.state(good)[0] == "good"
    mine = chain.begin(first="s03")
    chain.run(when)
    victim = sorted(store for store, settings in chain.has().items() if settings == mine)[-1]
    chain.good[victim], chain.failed[victim] = good, mine
    chain.say()
    chain.run(1)
    assert chain.state(mine)[0] == "failed"
    assert chain.state(mine)[2] == f"{victim}-1 tried them and went back"
    assert set(chain.has().values()) == {good}
    chain.run(300)
    assert chain.state(mine)[0] == "failed"
    assert set(chain.good.values()) == {good}


def test_what_was_on_no_store_before_is_on_none_again(engine: Engine) -> None:
    chain = Chain(engine, 12)
    chain.stubborn["s05"] = "goes back"
    mine = chain.begin(first="s05")
    with writing(engine) as connection:
        project(connection, KEY, NOON)
    chain.run(3)
    assert chain.state(mine)[0] == "failed"
    assert chain.has() == {}
    with writing(engine) as connection:
        assert project(connection, KEY, NOON) == frozenset({"s05"})
    with reading(engine) as connection:
        [row] = connection.execute(select(tables.feed_row).where(tables.feed_row.c.feed == "settings")).all()
    assert (row.scope, row.key, row.body, row.version) == ("s05", "agent", None, 2)


def test_an_agent_that_does_not_come_back_takes_all_back(engine: Engine) -> None:
    chain = Chain(engine, 12)
    mine = chain.begin(first="s05")
    chain.run(5)
    chain.online["s05"] = False
    chain.run(int(BACK.total_seconds()) - 5)
    assert chain.state(mine) == ("rolling", 0, "for s05-1")
    chain.run(10)
    assert chain.state(mine) == ("failed", 0, "s05-1 was there and did not come back")
    assert chain.has() == {}


def test_while_central_hears_nobody_nothing_is_taken_back(engine: Engine) -> None:
    chain = Chain(engine, 12)
    mine = chain.begin(first="s05")
    chain.run(200)
    assert chain.state(mine)[0] == "good"
    newer = chain.begin(Chosen(outbox_mb=32), first="s05")
    chain.run(70)
    chain.linked = False  # No status comes in, and no will.
    chain.run(3000, follow=False)
    chain.linked = True
    chain.run(int(BACK.total_seconds()) - 5, follow=False)
    assert chain.state(newer)[0] == "rolling"
    chain.run(200)
    assert chain.state(newer)[0] == "good"


def test_an_agent_that_says_nothing_of_them_takes_all_back(engine: Engine) -> None:
    chain = Chain(engine, 12)
    chain.stubborn["s05"] = None
    mine = chain.begin(first="s05")
    chain.run(int(SAYS.total_seconds()))
    assert chain.state(mine) == ("rolling", 0, "for s05-1")
    chain.run(3)
    assert chain.state(mine) == ("failed", 0, "s05-1 is there and says nothing of them")


def test_who_was_away_before_holds_nothing_up_but_the_first_must_be_there(engine: Engine) -> None:
    chain = Chain(engine, 12)
    away = ["s05", "s06", "s07"]
    for store in away:
        chain.online[store] = False
    chain.say()
    mine = chain.begin(first="s05")
    chain.run(1000)
    assert chain.state(mine) == ("rolling", 0, "for an agent to be there")
    chain.online["s05"] = True
    chain.run(300)
    assert chain.state(mine)[0] == "good"
    assert set(chain.has().values()) == {mine}, "they find it when they come back"
    for store in away:
        chain.online[store] = True
    chain.run(2)
    assert set(chain.good.values()) == {mine}


def test_central_down_in_the_middle_goes_on_where_it_was_and_blames_nobody_for_it(engine: Engine) -> None:
    chain = Chain(engine, 25)
    mine = chain.begin(first="s07")
    chain.run(90)
    assert len(chain.has()) == 3
    chain.now += timedelta(days=2)
    chain.rollout = chain.started()
    for store in chain.online:  # Nobody has come back yet: the broker has just begun.
        chain.online[store] = False
    chain.run(int(BACK.total_seconds()) - 10)
    assert chain.state(mine)[0] == "rolling"
    for store in chain.online:
        chain.online[store] = True
    chain.run(200)
    assert chain.state(mine)[0] == "good"


def test_who_said_nothing_for_minutes_is_away_whatever_it_said_last(engine: Engine) -> None:
    chain = Chain(engine, 3)
    mine = chain.begin(first="s01")
    chain.run(10, follow=False)
    chain.good["s01"] = mine
    chain.say()  # And with that its word ends, and no broker tells its will.
    for _ in range(2 * int(BACK.total_seconds())):
        chain.now += SECOND
        chain.rollout.step()
        if chain.state(mine)[0] != "rolling":
            break
    assert chain.state(mine) == ("failed", 2, "s00-1 was there and did not come back")
    assert chain.now - NOON < FRESH + HOLD + BACK + 2 * SAYS


def test_a_newer_roll_out_replaces_one_that_is_under_way(engine: Engine) -> None:
    chain = Chain(engine, 25)
    one = chain.begin(first="s07")
    chain.run(90)
    two = chain.begin(first="s08")
    assert chain.state(one)[::2] == ("replaced", f"replaced by {two}")
    assert chain.has() == {"s08": two}
    chain.run(300)
    assert set(chain.has().values()) == {two}
    assert (chain.state(one)[0], chain.state(two)[0]) == ("replaced", "good")
    three = chain.begin()
    chain.run(300)
    assert (chain.state(two)[0], chain.state(three)[0]) == ("replaced", "good")


def test_a_store_that_is_new_gets_what_is_good_for_all(engine: Engine) -> None:
    chain = Chain(engine, 3)
    mine = chain.begin()
    chain.run(200)
    with writing(engine) as connection:
        row = {"agent": "new-1", "store": "new", "revoked": False, "revision": 1}
        connection.execute(tables.agent.insert().values(**row))
    chain.run(1)
    assert chain.has()["new"] == mine


def test_the_row_is_what_was_chosen_and_names_its_state(engine: Engine) -> None:
    chain = Chain(engine, 1)
    mine = chain.begin(Chosen(languages=("en",), zones={"shelf": Levels(enter_dbm=-60, exit_dbm=-70)}))
    with writing(engine) as connection:
        assert project(connection, KEY, NOON) == frozenset({"s00"})
    with reading(engine) as connection:
        row = connection.execute(select(tables.feed_row).where(tables.feed_row.c.feed == "settings")).one()
    assert feeds.read("settings", row.body.encode()) == feeds.Settings(
        settings=mine, languages=("en",), zones={"shelf": feeds.Levels(enter_dbm=-60, exit_dbm=-70)}
    )


def test_nobody_there_or_no_such_store_is_a_sentence(engine: Engine) -> None:
    chain = Chain(engine, 2)
    with pytest.raises(Unknown, match="no agent in a store ueno"):
        chain.begin(first="ueno")
    chain.online = dict.fromkeys(chain.online, False)
    chain.say()
    with pytest.raises(Unknown, match="No agent is there"):
        chain.begin()
    chain.begin(first="s01")


def test_what_is_shown_is_how_far_it_is_and_how_each_agent_stands(engine: Engine) -> None:
    chain = Chain(engine, 2)
    mine = chain.begin(first="s01")
    chain.run(2)
    with reading(engine) as connection:
        shown = rollout.show(connection, chain.now)
    [one] = shown["settings"]
    assert (one["settings"], one["state"], one["body"]["outbox_mb"]) == (mine, "rolling", 64)
    assert [(each["agent"], each["wanted"], each["good"]) for each in shown["agents"]] == [
        ("s00-1", None, None),
        ("s01-1", mine, mine),
    ]


def test_the_tenth_differs_from_roll_out_to_roll_out_and_each_step_holds_the_one_before() -> None:
    stores = [f"s{number}" for number in range(200)]
    tenths = set()
    for name in ("a", "b"):
        roll = Roll(settings=name, step=0, first="s0", hold=HOLD, online=frozenset())
        one, tenth, all_of_them = (stores_of(roll, stores, step) for step in range(3))
        assert (one, len(tenth), all_of_them) == (frozenset({"s0"}), 20, frozenset(stores))
        assert one < tenth
        tenths.add(tenth)
    assert len(tenths) == 2


def test_an_agent_with_an_unreadable_status_counts_as_away() -> None:
    roll = Roll(settings="a", step=0, first="s", hold=HOLD, online=frozenset())
    away = Seen(agent="s-1", store="s", online=False, at=None, good=None, failed=None)
    assert judge(roll, [away], NOON, NOON) == ("waits", "for an agent to be there")
    assert judge(replace(roll, online=frozenset({"s-1"})), [away], NOON + BACK + SECOND, NOON)[0] == "failed"


# The file.


def chosen(tmp_path: Path, text: str) -> Chosen:
    file = tmp_path / "s.yaml"
    file.write_text(text)
    return files.read(file, "settings", Chosen)


def test_a_file_has_what_the_contract_has_but_the_id() -> None:
    assert {one.name for one in fields(Chosen)} == {one.name for one in fields(feeds.Settings)} - {"settings"}


def test_a_file_is_read(tmp_path: Path) -> None:
    text = "settings:\n  languages: [en, ja]\n  log: debug\n  zones:\n    shelf: {enter_dbm: -60, exit_dbm: -70}\n"
    assert chosen(tmp_path, text) == Chosen(
        languages=("en", "ja"), log="debug", zones={"shelf": Levels(enter_dbm=-60, exit_dbm=-70)}
    )
    assert chosen(tmp_path, "settings: {}") == Chosen()


def test_every_problem_is_listed_with_its_path_and_line(tmp_path: Path) -> None:
    text = """settings:
  languages: [ja, ja]
  confirm_hours: 0
  outbox_mb: 5000
  log: loud
  colour: red
  zones:
    shelf: {enter_dbm: -80, exit_dbm: -70}
    till: {enter_dbm: .nan, exit_dbm: -200}
    Café: {enter_dbm: -60, exit_dbm: -70}
"""
    with pytest.raises(SettingsError) as raised:
        chosen(tmp_path, text)
    found = [(one.line, one.path) for one in raised.value.problems]
    assert found == [
        (2, "settings.languages"),
        (3, "settings.confirm_hours"),
        (4, "settings.outbox_mb"),
        (5, "settings.log"),
        (6, "settings.colour"),
        (7, "settings.zones"),
        (8, "settings.zones.shelf.exit_dbm"),
        (9, "settings.zones.till.enter_dbm"),
        (9, "settings.zones.till.exit_dbm"),
    ]
