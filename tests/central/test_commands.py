"""What agents are asked to do: sent until they reply or it expires, answered by nobody else, and forgotten later."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from edge_log import NOON, EdgeLog
from sqlalchemy import Engine, func, select

from central import commands
from central.commands import KEPT, LONGEST, MOST_BODY, MOST_WAITING, Asked, Sender
from central.contract import codec, topics
from central.contract.codec import Unreadable
from central.contract.commands import Command, Reply
from central.errors import CentralError, Unknown
from central.ingest.worker import Ingest
from central.storage import tables
from central.storage.database import reading, writing

HOUR = timedelta(hours=1)
AGENTS = {"ginza-1": "ginza", "ginza-2": "ginza", "ueno-1": "ueno"}


@pytest.fixture
def chain(engine: Engine) -> Engine:
    with writing(engine) as connection:
        for agent, store in {**AGENTS, "old-1": "ueno"}.items():
            row = {"agent": agent, "store": store, "revoked": agent == "old-1", "revision": 1}
            connection.execute(tables.agent.insert().values(**row))
    return engine


class Sent(list[tuple[str, Command]]):
    def __call__(self, topic: str, payload: bytes) -> None:
        self.append((topic, codec.unpack(payload, Command)))


def ask(
    engine: Engine, *agents: str, name: str = "ping", body: bytes | None = None, at: datetime = NOON
) -> list[Asked]:
    with writing(engine) as connection:
        return commands.ask(connection, agents, name, body, at, HOUR)


def outcome(engine: Engine, *asked: Asked) -> list[Asked]:
    with reading(engine) as connection:
        return commands.outcomes(connection, [one.command for one in asked])


@pytest.mark.parametrize(
    ("of", "found"),
    [("ginza-2", ["ginza-2"]), ("ginza", ["ginza-1", "ginza-2"]), ("ueno", ["ueno-1"]), ("all", sorted(AGENTS))],
)
def test_an_agent_a_store_or_all_are_asked_but_nobody_who_was_revoked(chain: Engine, of: str, found: list[str]) -> None:
    with reading(chain) as connection:
        assert commands.targets(connection, of) == found


@pytest.mark.parametrize("of", ["nobody", "old-1", ""])
def test_who_is_not_there_is_a_sentence(chain: Engine, of: str) -> None:
    with reading(chain) as connection, pytest.raises(Unknown, match="no agent and no store"):
        commands.targets(connection, of)


def test_a_command_is_sent_at_once_then_less_often_until_the_reply(chain: Engine) -> None:
    now, sent = NOON, Sent()
    sender = Sender(chain, sent, lambda: now)
    [mine] = ask(chain, "ginza-1", name="resync", body=b'{"feed":"stock"}')
    times = []
    for second in range(120):
        now = NOON + timedelta(seconds=second)
        before = len(sent)
        sender.step()
        times += [second] * (len(sent) - before)
    assert times == [0, 2, 6, 14, 30, 60, 90]
    assert {topic for topic, _ in sent} == {topics.of_agent("ginza", "ginza-1", "command")}
    one = sent[0][1]
    assert (one.command, one.name, one.expires, bytes(one.body or b"")) == (
        mine.command,
        "resync",
        NOON + HOUR,
        b'{"feed":"stock"}',
    )
    said(chain, "ginza-1", Reply(command=mine.command, ok=True, said="it is"))
    sent.clear()
    now = NOON + timedelta(minutes=5)
    sender.step()
    assert sent == []
    assert outcome(chain, mine) == [Asked(agent="ginza-1", command=mine.command, ok=True, said="it is")]


def test_nothing_is_sent_that_has_expired_nor_to_who_was_revoked(chain: Engine) -> None:
    ask(chain, "ginza-1", at=NOON - HOUR)
    ask(chain, "ueno-1")
    with writing(chain) as connection:
        connection.execute(tables.agent.update().where(tables.agent.c.agent == "ueno-1").values(revoked=True))
    sent = Sent()
    Sender(chain, sent, lambda: NOON).step()
    assert sent == []


def said(engine: Engine, agent: str, reply: Reply) -> dict[str, int]:
    ingest = Ingest(engine, lambda *_: None, lambda: NOON)
    ingest.take([EdgeLog(agent=agent, store=AGENTS[agent]).said("reply", codec.pack(reply))])
    return dict(ingest.counts)


def test_only_the_agent_that_was_asked_can_reply_and_only_once(chain: Engine) -> None:
    [mine] = ask(chain, "ginza-1")
    no = Reply(command=mine.command, ok=False, said="no")
    assert said(chain, "ginza-2", no) == {"reply_strange": 1}
    assert said(chain, "ginza-2", Reply(command="nonsense", ok=True)) == {"reply_strange": 1}
    assert outcome(chain, mine)[0].ok is None
    assert said(chain, "ginza-1", no) == {"reply": 1}
    assert said(chain, "ginza-1", Reply(command=mine.command, ok=True, said="yes")) == {"reply": 1}
    assert outcome(chain, mine) == [Asked(agent="ginza-1", command=mine.command, ok=False, said="no")]


def test_what_no_agent_could_read_or_bear_is_refused(chain: Engine) -> None:
    ask(chain, "ginza-1", body=b'"%s"' % (b"x" * (MOST_BODY - 2)))
    with pytest.raises(CentralError, match="too large"):
        ask(chain, "ginza-1", body=b'"%s"' % (b"x" * (MOST_BODY - 1)))
    for name, body in (("Reboot!", None), ("ping", b"{"), ("ping", b'"\\u0000"'), ("ping", b"[" * 40 + b"]" * 40)):
        with pytest.raises(Unreadable):
            ask(chain, "ginza-1", name=name, body=body)
    for good_for in (timedelta(0), LONGEST + HOUR):
        with writing(chain) as connection, pytest.raises(CentralError, match="expires"):
            commands.ask(connection, ["ginza-1"], "ping", None, NOON, good_for)
    for _ in range(MOST_WAITING - 1):
        ask(chain, "ginza-1")
    with pytest.raises(CentralError, match="ginza-1 has 100 commands"):
        ask(chain, "ginza-1", "ginza-2")
    ask(chain, "ginza-2")
    ask(chain, "ginza-1", at=NOON + HOUR)


def test_old_commands_are_forgotten_after_a_month(chain: Engine) -> None:
    asked = ask(chain, "ginza-1"), ask(chain, "ginza-1", at=NOON + 2 * HOUR)
    now = NOON + HOUR + KEPT + timedelta(seconds=1)
    Sender(chain, Sent(), lambda: now).step()
    with reading(chain) as connection:
        assert connection.scalars(select(tables.command.c.command)).all() == [asked[1][0].command]
        assert connection.scalar(select(func.count()).select_from(tables.agent)) == 4
