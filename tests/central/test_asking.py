"""What central answers while somebody waits, and codes that were shown twice, in whatever order it is told."""

from __future__ import annotations

import queue
import random
import threading
import zlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import chain_keys
import pytest
from edge_log import NOON, EdgeLog, event
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ingest_bench import Bench
from sqlalchemy import Engine, select, text

from central import agents, consent, newcomers, profiles, uses
from central.asking import NEW, UNKNOWN, WITHIN, Asking
from central.contract import codec, events, topics
from central.contract.asks import Ask, Told
from central.contract.events import Born, Scanned
from central.feeds.projector import project
from central.ingest.replay import replay
from central.mqtt import Inbox, Message
from central.profiles import Customer
from central.storage import alarms, tables
from central.storage.database import put, reading, writing

HANA, TARO, MARI = "2900000000016", "2900000000023", "2900000000030"
ID = "0123456789ab"
CODE, OTHER = "c" * 32, "d" * 32


class Counter:
    """An asking on a real database, and what it told whom."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.now = NOON
        self.sent: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.coming: list[str] = []
        self.asking = self.worker()

    def worker(self) -> Asking:
        return Asking(self.engine, lambda *said: self.sent.put(said), self.coming.append, lambda: self.now)

    def ask(self, agent: str = "pi-1", store: str = "ginza", reader: str = "till", **asked: Any) -> Told | None:
        """What this agent is told; None: nothing."""
        made = Ask(ask=asked.pop("ask", "a-1"), reader=reader, at=self.now, **asked)
        self.asking.take([said(codec.pack(made), agent, store)])
        return self.told(agent, store)

    def told(self, agent: str = "pi-1", store: str = "ginza") -> Told | None:
        if self.sent.empty():
            return None
        topic, payload = self.sent.get_nowait()
        assert topic == topics.of_agent(store, agent, "told")
        return codec.unpack(payload, Told)

    def found(self, ask: Callable[[Any], Any]) -> Any:
        with reading(self.engine) as connection:
            return ask(connection)

    def twice(self) -> list[list[str]]:
        """Where each code was shown that was shown at two readers."""
        told = self.found(alarms.codes_used_twice)
        assert told["count"] == len(told["last"])
        return [[use["agent"] + "/" + use["reader"] for use in one["uses"]] for one in told["last"]]

    def stores(self, customer: str) -> set[tuple[str, str]]:
        its = tables.customer_store.c
        ask = select(its.store, its.relation).where(its.customer == customer)
        return {tuple(row) for row in self.found(lambda connection: connection.execute(ask).all())}

    def dirty(self) -> list[str]:
        return list(self.found(lambda connection: connection.scalars(select(tables.dirty.c.key)).all()))


def said(payload: bytes, agent: str = "pi-1", store: str = "ginza") -> Message:
    address = topics.read(topics.of_agent(store, agent, "ask"))
    assert address is not None
    return Message(address=address, payload=payload)


@pytest.fixture
def counter(enrolled: Engine) -> Counter:
    """Hana agreed, at another store; Taro agreed to nothing; Mari to her beacon only; all have a card and an id."""
    with writing(enrolled) as connection:
        chain_keys.known(connection, "ueno", "pi-2")
        people = {"c-1": HANA, "c-2": TARO, "c-3": MARI}
        profiles.save(
            connection,
            [Customer(customer=one, home="far", tokens=(("code", card),)) for one, card in people.items()],
        )
        consent.give(connection, "c-1", ["signage"], NOON)
        consent.give(connection, "c-3", ["presence", "messages"], NOON)
        ids = [{"customer": one, "id": ID[:-1] + one[-1]} for one in people]
        put(connection, tables.member_id, ids)
        connection.execute(tables.dirty.delete())
    return Counter(enrolled)


def scanned(code: str | None, reader: str = "till", scan: str = "a-1") -> bytes:
    born = Born(wall=NOON, boot="boot-1", up_ms=1, synced=True)
    return events.make(Scanned(scan=scan, reader=reader, zone="till", outcome="member", code=code), born)


# Who is this?


def test_a_member_who_agreed_comes_to_the_store_that_asked(counter: Counter) -> None:
    assert counter.ask(value=HANA) == Told(ask="a-1", who="coming")
    assert counter.stores("c-1") == {("far", "home"), ("ginza", "visited")}
    assert counter.coming == ["ginza"]
    with writing(counter.engine) as connection:
        project(connection, bytes(32), NOON)
    rows = counter.found(lambda c: c.execute(select(tables.feed_row.c.scope, tables.feed_row.c.feed)).all())
    assert {("ginza", "profiles"), ("ginza", "tokens")} <= {tuple(row) for row in rows}


def test_rows_of_who_is_known_there_are_not_made_again_but_told_again(counter: Counter) -> None:
    assert counter.ask("pi-2", "ueno", value=HANA) == Told(ask="a-1", who="coming")
    assert counter.dirty() == ["c-1"]
    assert counter.ask("pi-2", "ueno", value=HANA) == Told(ask="a-1", who="coming")
    assert counter.dirty() == ["c-1"]
    assert counter.coming == ["ueno", "ueno"]


@pytest.mark.parametrize("card", [TARO, MARI, "2900000000047", "nobody-1"])
def test_who_did_not_agree_is_told_from_nobody_by_nothing(counter: Counter, card: str) -> None:
    assert counter.ask(value=card) == Told(ask="a-1", who="unknown")
    assert (counter.coming, counter.dirty()) == ([], [])
    assert {store for one in ("c-1", "c-2", "c-3") for store, _ in counter.stores(one)} == {"far"}


def test_who_withdrew_is_unknown_again(counter: Counter) -> None:
    with writing(counter.engine) as connection:
        consent.withdraw(connection, "c-1", ["signage"], NOON)
    assert counter.ask(value=HANA) == Told(ask="a-1", who="unknown")


@pytest.mark.parametrize(("last", "number", "who"), [("1", HANA, "coming"), ("2", TARO, "unknown")])
def test_the_register_has_the_number_of_a_signed_code_also_of_who_agreed_to_nothing(
    counter: Counter, last: str, number: str, who: Any
) -> None:
    told = counter.ask(value=ID[:-1] + last, code=CODE)
    assert told == Told(ask="a-1", who=who, number=number)


def test_an_id_that_no_verified_code_said_is_no_number(counter: Counter) -> None:
    assert counter.ask(value=ID[:-1] + "1") == Told(ask="a-1", who="unknown")


def test_a_number_is_no_id(counter: Counter) -> None:
    assert counter.ask(value=HANA, code=CODE) == Told(ask="a-1", who="unknown")


def test_a_member_without_a_card_has_no_number(counter: Counter) -> None:
    with writing(counter.engine) as connection:
        connection.execute(tables.token.delete())
    assert counter.ask(value=ID[:-1] + "1", code=CODE) == Told(ask="a-1", who="coming")


def test_the_register_knows_members_by_their_first_card(counter: Counter) -> None:
    with writing(counter.engine) as connection:
        put(connection, tables.token, [{"means": "code", "value": "2900000000009", "customer": "c-1"}])
        put(connection, tables.token, [{"means": "beacon", "value": "1", "customer": "c-1"}])
    told = counter.ask(value=ID[:-1] + "1", code=CODE)
    assert told is not None
    assert told.number == "2900000000009"


@pytest.mark.parametrize("value", ["0" * 33, "0会員", "0 1", "0\n"])
def test_what_no_answer_can_hold_is_no_number_for_the_register(counter: Counter, value: str) -> None:
    with writing(counter.engine) as connection:
        put(connection, tables.token, [{"means": "code", "value": value, "customer": "c-1"}])
        assert profiles.read(connection, ["c-1"])["c-1"].number == HANA
    told = counter.ask(value=ID[:-1] + "1", code=CODE)
    assert told == Told(ask="a-1", who="coming", number=HANA), "as the feed has it"


def test_a_beacon_is_no_card(counter: Counter) -> None:
    with writing(counter.engine) as connection:
        put(connection, tables.token, [{"means": "beacon", "value": "a1b2", "customer": "c-1"}])
    assert counter.ask(value="a1b2") == Told(ask="a-1", who="unknown")


def test_no_number_and_no_id_is_logged(counter: Counter, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    for reader in ("till", "door"):
        counter.ask(value=ID[:-1] + "1", code=CODE, reader=reader)
    counter.ask("pi-9", value=HANA)
    counter.asking.take([said(b'{"ask":"a-1","reader":"till","value":"' + HANA.encode() + b'?"}')])
    for _ in range(UNKNOWN + 1):
        counter.ask(value="2900000000047")
    assert "somebody tries numbers at pi-1" in caplog.text
    assert not any(secret in caplog.text for secret in (HANA[:6], ID[:6]))


# Was it used?


def test_a_code_is_used_where_another_reader_asked_first(counter: Counter) -> None:
    assert counter.ask(code=CODE) == Told(ask="a-1")
    assert counter.ask(code=CODE) == Told(ask="a-1"), "the same reader again is the same act"
    assert counter.ask(code=OTHER, reader="door") == Told(ask="a-1")
    assert counter.twice() == []
    assert counter.ask(code=CODE, reader="door", ask="a-2") == Told(ask="a-2", used=True)
    assert counter.ask("pi-2", "ueno", code=CODE, ask="a-3") == Told(ask="a-3", used=True)
    assert counter.ask("pi-2", "ueno", code=CODE, ask="a-3") == Told(ask="a-3", used=True)
    assert counter.ask(code=CODE) == Told(ask="a-1"), "it stays with who was first"
    assert counter.twice() == [["pi-1/till", "pi-1/door", "pi-2/till"]]


def test_a_used_code_still_says_who_it_is(counter: Counter) -> None:
    counter.ask("pi-2", "ueno", code=CODE)
    assert counter.ask(value=ID[:-1] + "1", code=CODE) == Told(ask="a-1", who="coming", used=True, number=HANA)


def test_of_two_stores_that_ask_at_the_same_time_one_is_first(counter: Counter) -> None:
    together = threading.Barrier(2)
    failed: list[BaseException] = []

    def ask_all(worker: Asking, agent: str, store: str) -> None:
        try:
            for number in range(30):
                made = Ask(ask=f"a-{number}", reader="till", at=NOON, code=f"{number:032x}")
                together.wait()
                worker.take([said(codec.pack(made), agent, store)])
        except BaseException as error:  # noqa: BLE001 - a thread's own failure is the test's.
            failed.append(error)
            together.abort()

    places = (("pi-1", "ginza"), ("pi-2", "ueno"))
    threads = [threading.Thread(target=ask_all, args=(counter.worker(), *place)) for place in places]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    used: dict[str, list[bool]] = {}
    while not counter.sent.empty():
        told = codec.unpack(counter.sent.get_nowait()[1], Told)
        used.setdefault(told.ask, []).append(told.used)
    assert [sorted(both) for both in used.values()] == [[False, True]] * 30
    assert len(counter.twice()) == 30


def test_the_ask_and_the_event_of_a_scan_are_one_use(counter: Counter) -> None:
    bench, log = Bench(counter.engine), EdgeLog().add(scanned(CODE), scanned(OTHER))
    assert counter.ask(code=CODE) == Told(ask="a-1")
    bench.take(log.message(log.batch(1, 2)))
    assert counter.ask(code=OTHER) == Told(ask="a-1")
    assert counter.twice() == []


def test_codes_that_stores_told_of_later_are_found(counter: Counter) -> None:
    ginza, ueno = EdgeLog(), EdgeLog(agent="pi-2", store="ueno")
    bench = Bench(counter.engine)
    for log in (ginza, ueno):
        log.add(event(1), scanned(CODE), scanned(None), scanned(OTHER, reader="door" if log is ueno else "till"))
        bench.take(log.message(log.batch(1, 4)))
    assert counter.twice() == [["pi-1/till", "pi-2/till"], ["pi-1/till", "pi-2/door"]]
    (one, _) = bench.report()["codes_used_twice"]["last"]
    assert [(use["store"], use["at"]) for use in one["uses"]] == [("ginza", NOON), ("ueno", NOON)]
    assert not any("c-1" in str(use) for use in one["uses"]), "it names no member"


def test_an_event_finds_what_an_ask_has_noted_and_the_other_way_round(counter: Counter) -> None:
    bench, log = Bench(counter.engine), EdgeLog(agent="pi-2", store="ueno").add(scanned(CODE), scanned(OTHER))
    counter.ask(code=CODE)
    bench.take(log.message(log.batch(1, 2)))
    assert counter.twice() == [["pi-1/till", "pi-2/till"]]
    assert counter.ask(code=OTHER) == Told(ask="a-1", used=True)
    assert sorted(counter.twice()) == [["pi-1/till", "pi-2/till"], ["pi-2/till", "pi-1/till"]]


def test_a_device_that_names_a_thousand_readers_fills_no_report(counter: Counter) -> None:
    counter.ask(code=OTHER)
    where = {"code": CODE, "store": "ueno", "agent": "pi-2", "scan": "a-1"}
    with writing(counter.engine) as connection:
        for number in range(1000):
            use = uses.Use(**where, reader=f"r-{number:03}", at=NOON)
            uses.note(connection, [use], NOON + timedelta(seconds=number))
    counter.ask("pi-2", "ueno", code=OTHER)
    told = {one["code"]: one["uses"] for one in counter.found(alarms.codes_used_twice)["last"]}
    assert [use["reader"] for use in told[CODE]] == [f"r-{number:03}" for number in range(20)]
    assert [use["agent"] for use in told[OTHER]] == ["pi-1", "pi-2"]


def test_two_readers_of_one_agent_in_one_batch_are_two(counter: Counter) -> None:
    bench, log = Bench(counter.engine), EdgeLog().add(scanned(CODE), scanned(CODE), scanned(CODE, reader="door"))
    bench.take(log.message(log.batch(1, 3)))
    assert counter.twice() == [["pi-1/till", "pi-1/door"]]


def test_an_event_that_comes_again_is_no_second_use(counter: Counter) -> None:
    bench, log = Bench(counter.engine), EdgeLog().add(scanned(CODE), scanned(CODE, reader="door"))
    for _ in range(2):
        bench.take(log.message(log.batch(1, 2)))
    again = EdgeLog(epoch="e2").add(scanned(CODE), scanned(CODE, reader="door"))  # Of a card that was set back.
    bench.take(again.message(again.batch(1, 2)))
    assert counter.twice() == [["pi-1/till", "pi-1/door"]]


def test_a_bad_event_costs_no_good_one_its_note(counter: Counter) -> None:
    bench, bad = Bench(counter.engine), scanned(CODE).replace(b'"code":"c', b'"code":"?')
    log = EdgeLog().add(scanned(CODE), bad, scanned(OTHER, reader="door"))
    bench.take(log.message(log.batch(1, 3)))
    assert bench.acks() == [3]
    assert bench.counted("quarantined") == 1
    for code in (CODE, OTHER):
        assert counter.ask("pi-2", "ueno", code=code) == Told(ask="a-1", used=True)


def test_what_was_set_aside_is_noted_when_it_can_be_read(counter: Counter) -> None:
    row = {"agent": "pi-1", "epoch": "e1", "seq": 1, "data": scanned(CODE), "reason": "unreadable: once", "at": NOON}
    with writing(counter.engine) as connection:
        connection.execute(tables.quarantine.insert(), row)
    assert replay(counter.engine, NOON)["stored"] == 1
    assert counter.ask("pi-2", "ueno", code=CODE) == Told(ask="a-1", used=True)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(use_true_random=False))
def test_the_order_in_which_central_hears_changes_nothing(counter: Counter, chance: random.Random) -> None:
    with writing(counter.engine) as connection:
        connection.execute(tables.code_use.delete())
    places = [("pi-1", "ginza", "till"), ("pi-1", "ginza", "door"), ("pi-2", "ueno", "till")]
    told = [*places, *chance.choices(places, k=5)]
    chance.shuffle(told)
    for agent, store, reader in told:
        use = uses.Use(code=CODE, store=store, agent=agent, reader=reader, scan="a-1", at=NOON)
        with writing(counter.engine) as connection:
            used = uses.note(connection, [use], NOON)
        assert bool(used) is ((agent, reader) != (told[0][0], told[0][2]))
    assert [sorted(one) for one in counter.twice()] == [["pi-1/door", "pi-1/till", "pi-2/till"]]


def test_a_code_is_forgotten_after_a_month_and_one_used_twice_a_month_after_that(counter: Counter) -> None:
    for code, agent, store in ((CODE, "pi-1", "ginza"), (OTHER, "pi-1", "ginza")):
        counter.ask(agent, store, code=code)
    counter.now += uses.KEPT - timedelta(days=1)
    counter.ask("pi-2", "ueno", code=OTHER)
    counter.asking.forget()
    assert len(counter.found(lambda c: c.scalars(select(tables.code_use.c.code)).all())) == 2
    counter.now += timedelta(days=2)
    counter.asking.forget()
    assert counter.found(lambda c: c.scalars(select(tables.code_use.c.code)).all()) == [OTHER]
    assert counter.twice() == [["pi-1/till", "pi-2/till"]]
    counter.now += uses.KEPT
    counter.asking.forget()
    assert counter.twice() == []
    assert counter.found(lambda c: c.scalars(select(tables.code_again.c.code)).all()) == []


def test_many_are_forgotten_a_few_at_a_time(counter: Counter) -> None:
    where = {"store": "ginza", "agent": "pi-1", "reader": "till"}
    used = [uses.Use(code=f"{number:032x}", **where, scan="a-1", at=NOON) for number in range(2500)]
    with writing(counter.engine) as connection:
        assert uses.note(connection, used, NOON) == frozenset()
    counter.now += uses.KEPT + timedelta(seconds=1)
    counter.asking.forget()
    assert counter.found(lambda c: c.scalars(select(tables.code_use.c.code)).all()) == []


# Who tries numbers, and other hostile asks.


def test_who_tries_numbers_gets_no_more_answers_until_they_calm_down(
    counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(UNKNOWN):
        assert counter.ask(value="2900000000047") == Told(ask="a-1", who="unknown")
    for _ in range(3):
        counter.now += timedelta(minutes=1)
        assert counter.ask(value=HANA) is None
    assert counter.ask(value=ID[:-1] + "1", code=CODE) == Told(ask="a-1"), "a code is still used by asking"
    assert counter.ask(code=CODE, reader="door") == Told(ask="a-1", used=True)
    assert counter.ask("pi-2", "ueno", value=HANA) == Told(ask="a-1", who="coming"), "others are answered"
    assert counter.asking.counts["guessing"] == 4
    assert caplog.text.count("somebody tries numbers at pi-1") == 1
    assert Bench(counter.engine).report()["guessing"] == {"pi-1": 1}
    counter.now += WITHIN
    assert counter.ask(value=HANA) == Told(ask="a-1", who="coming")


def test_who_goes_on_trying_is_not_answered_at_all(counter: Counter) -> None:
    for _ in range(UNKNOWN):
        counter.ask(value="2900000000047")
    for _ in range(3 * UNKNOWN):
        counter.now += WITHIN / UNKNOWN
        assert counter.ask(value=HANA) is None
    assert Bench(counter.engine).report()["guessing"] == {"pi-1": 3}


def test_who_finds_members_too_quickly_is_trying_numbers_as_well(counter: Counter) -> None:
    people = [
        Customer(customer=f"m-{number}", home="far", tokens=(("code", f"28{number:011}"),)) for number in range(NEW)
    ]
    with writing(counter.engine) as connection:
        profiles.save(connection, people)
        for one in people:
            consent.give(connection, one.customer, ["signage"], NOON)
    for number in range(NEW):
        assert counter.ask(value=f"28{number:011}") == Told(ask="a-1", who="coming")
    assert counter.ask(value=HANA) is None
    assert counter.stores("c-1") == {("far", "home")}


def test_a_device_that_is_patient_has_no_more_than_so_many_a_day_whatever_starts_anew(
    counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    with writing(counter.engine) as connection:
        for _ in range(newcomers.A_DAY - 3):
            assert newcomers.one_more(connection, "ginza", NOON)
    cards = [f"28{number:011}" for number in range(8)]
    with writing(counter.engine) as connection:
        chain_keys.known(connection, "ginza", "pi-4")
        profiles.save(
            connection, [Customer(customer=f"m-{card}", home="far", tokens=(("code", card),)) for card in cards]
        )
        for card in cards:
            consent.give(connection, f"m-{card}", ["signage"], NOON)
        put(connection, tables.member_id, [{"customer": f"m-{cards[4]}", "id": "f" * 12}])
    told = []
    for card in cards[:4]:
        counter.asking = counter.worker()  # Also a central that has just started.
        told.append(counter.ask(value=card))
    assert [one and one.who for one in told] == ["coming", "coming", "coming", "unknown"]
    assert "somebody tries numbers at pi-1" in caplog.text
    assert counter.stores(f"m-{cards[3]}") == {("far", "home")}
    assert counter.ask("pi-4", value=cards[4]) == Told(ask="a-1", who="unknown"), "a second device of the store"
    told_of_code = counter.ask(value="f" * 12, code=CODE)
    assert told_of_code == Told(ask="a-1", who="unknown", number=cards[4]), "the register goes on"
    assert counter.ask(value=cards[0]) == Told(ask="a-1", who="coming"), "whom the store knows it knows"
    assert counter.ask("pi-2", "ueno", value=cards[4]) == Told(ask="a-1", who="coming"), "others have their own"
    counter.now += timedelta(days=1)
    counter.asking.forget()
    assert counter.ask(value=cards[5]) == Told(ask="a-1", who="coming")
    assert len(counter.found(lambda c: c.execute(select(tables.newcomer)).all())) == 1


def test_members_of_the_store_and_who_did_not_agree_are_no_guesses(counter: Counter) -> None:
    for _ in range(NEW + 1):
        assert counter.ask(value=HANA) is not None
        assert counter.ask(value=TARO) is not None
    assert counter.ask(value=HANA) == Told(ask="a-1", who="coming")


@pytest.mark.parametrize(("agent", "store"), [("pi-1", "ueno"), ("pi-9", "ginza"), ("pi-3", "ginza")])
def test_no_stranger_is_answered_and_nothing_is_noted_of_them(counter: Counter, agent: str, store: str) -> None:
    with writing(counter.engine) as connection:
        chain_keys.known(connection, "ginza", "pi-3")
        agents.revoke(connection, "pi-3", NOON)
    assert counter.ask(agent, store, value=HANA, code=CODE) is None
    assert counter.asking.counts == {"refused": 1}
    assert counter.stores("c-1") == {("far", "home")}
    assert counter.ask("pi-2", "ueno", code=CODE) == Told(ask="a-1")


BODY = b'{"ask":"a-1","reader":"till","at":"2026-11-24T03:00:00Z","value":"' + HANA.encode() + b'"'
JUNK = {
    "nothing": b"",
    "no JSON": b"\x00\xff" * 20,
    "cut off": BODY,
    "65,536 bytes": b"x" * (64 << 10),
    "deep": b"[" * 100_000,
    "a bomb": zlib.compress(b" " * (32 << 20)),
    "no zone": BODY.replace(b"Z", b"") + b"}",
    "a number too long": BODY.replace(b'"value":"', b'"value":"' + b"9" * 40) + b"}",
    "a number with a line in it": BODY.replace(b'"value":"', b'"value":"\\n') + b"}",
    "a number with NUL": BODY.replace(b'"value":"', b'"value":"\\u0000') + b"}",
    "a code that is none": BODY + b',"code":"../../etc"}',
    "a reader that is none": BODY.replace(b"till", "レジ".encode()) + b"}",
    "a list": b"[" + BODY + b"}]",
}


@pytest.mark.parametrize("payload", JUNK.values(), ids=JUNK.keys())
def test_junk_is_set_aside_without_its_bytes_and_answered_by_nothing(counter: Counter, payload: bytes) -> None:
    good = codec.pack(Ask(ask="a-1", reader="till", at=NOON, value=HANA))
    counter.asking.take([said(payload), said(good)])
    assert counter.told() == Told(ask="a-1", who="coming")
    assert counter.sent.empty()
    assert counter.asking.counts["unreadable"] == 1
    (row,) = counter.found(lambda c: c.execute(select(tables.quarantine)).all())
    assert (row.agent, row.leaf, row.data) == ("pi-1", "ask", b""), "somebody's number may be in them"
    assert row.reason.startswith("unreadable: ")
    assert HANA not in row.reason


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300) | st.dictionaries(st.text(max_size=8), st.text(max_size=8)).map(codec.encode))
def test_whatever_comes_the_next_is_answered(counter: Counter, payload: bytes) -> None:
    counter.asking.take([said(payload)])
    assert counter.ask(value=TARO) == Told(ask="a-1", who="unknown")


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_clock_that_is_wrong_costs_nobody_their_answer(counter: Counter, at: str) -> None:
    body = BODY.replace(b"2026-11-24T03:00:00Z", at.encode()) + f',"code":"{CODE}"}}'.encode()
    counter.asking.take([said(body.replace(HANA.encode(), ID[:-1].encode() + b"1"))])
    assert counter.told() == Told(ask="a-1", who="coming", number=HANA)
    counter.ask("pi-2", "ueno", code=CODE)
    assert counter.twice() == [["pi-1/till", "pi-2/till"]]


def test_what_one_ask_meets_costs_no_other_its_answer(counter: Counter) -> None:
    with writing(counter.engine) as connection:
        connection.execute(text("DROP TABLE member_id"))
    failing = codec.pack(Ask(ask="a-1", reader="till", at=NOON, value=ID, code=CODE))
    good = codec.pack(Ask(ask="a-2", reader="till", at=NOON, value=TARO))
    counter.asking.take([said(failing), said(good)])
    assert counter.told() == Told(ask="a-2", who="unknown")
    assert counter.sent.empty()
    assert counter.asking.counts["deferred"] == 2, "together, and then the one alone"
    assert counter.ask("pi-2", "ueno", code=CODE) == Told(ask="a-1"), "what was not answered was not noted either"


def test_it_works_until_its_inbox_is_closed(counter: Counter) -> None:
    inbox = Inbox()
    thread = threading.Thread(target=counter.asking.run, args=(inbox,))
    thread.start()
    inbox.put(said(codec.pack(Ask(ask="a-1", reader="till", at=NOON, value=TARO))))
    assert counter.sent.get(timeout=20.0)[0] == topics.of_agent("ginza", "pi-1", "told")
    inbox.close()
    thread.join()
