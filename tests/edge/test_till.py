"""The agent's side of the register, at the real socket of the process: questions, answers, members, and its absence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from edge import config
from edge.model import Advert, Scan, ZoneId
from edge.register import MAX_LINE, Answer, Hand, Question, ToRegister, Vitals
from edge.register.link import Link
from edge.till import AGAIN, MOST_OPEN, STALE, Till, checkouts

Move = Callable[[float], Awaitable[None]]

NOW = 100.0


class Process:
    """Stands where the register's process would: its socket, what it hears, and whether somebody is there."""

    def __init__(self, path: Path) -> None:
        self.heard: asyncio.Queue[ToRegister] = asyncio.Queue()
        self.came = asyncio.Event()
        self.link = Link(path, hear=self.heard.put_nowait, came=self.came.set, gone=self.came.clear)

    def asks(self, name: str, *, reader: str = "till", at: float = NOW, content: bytes = b"4901") -> None:
        assert self.link.tell(Question(question=name, reader=reader, format="EAN13", content=content, at=at))


class Agent:
    """The agent's side, and the scans that reach its floor."""

    def __init__(self, path: Path) -> None:
        self.scans: asyncio.Queue[Scan] = asyncio.Queue()
        passes = config.TypedTo(kind="keyboard")
        register = config.Register(socket=path, passes=passes)
        self.till = Till(register, {"till": "checkout"}, {"checkout"}, clock=lambda: NOW)

    def deliver(self, one: Advert | Scan) -> None:
        assert isinstance(one, Scan)
        self.scans.put_nowait(one)


@asynccontextmanager
async def running(agent: Agent) -> AsyncIterator[None]:
    task = asyncio.create_task(agent.till.run(agent.deliver))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def together(path: Path) -> AsyncIterator[tuple[Process, Agent]]:
    process, agent = Process(path), Agent(path)
    async with process.link.open(), running(agent):
        await process.came.wait()
        yield process, agent


async def until(true: Callable[[], object]) -> None:
    while not true():  # noqa: ASYNC110 - it notes it without a word.
        await asyncio.sleep(0)


async def test_a_question_becomes_a_scan_and_its_answer_goes_back(tmp_path: Path) -> None:
    async with together(tmp_path / "s") as (process, agent):
        assert agent.till.connected
        for ours, number, said in [
            (False, None, None),
            (True, "29001", "29001"),
            (True, None, None),
            (False, "1", None),
        ]:
            process.asks("q-1", at=NOW - 0.001)
            scan = await agent.scans.get()
            assert (scan.reader, scan.zone, scan.format, scan.content) == ("till", "checkout", "EAN13", b"4901")
            assert (scan.at, scan.question) == (NOW - 0.001, "q-1")
            agent.till.answer(scan, ours, number)
            assert await process.heard.get() == Answer(question="q-1", ours=ours, number=said)
        assert agent.till.counts == {"till_asked": 4, "till_answered": 4}


async def test_a_number_that_nobody_asked_about_or_that_comes_later_is_handed(tmp_path: Path) -> None:
    async with together(tmp_path / "s") as (process, agent):
        process.asks("q-1")
        scan = await agent.scans.get()
        agent.till.answer(scan, True, None)
        agent.till.answer(scan, True, "29001")
        camera = Scan(at=NOW, reader="camera", zone=scan.zone, format="QRCode", content=b"x")
        agent.till.answer(camera, False, None)
        agent.till.answer(camera, True, None)
        agent.till.answer(camera, True, "")
        agent.till.answer(camera, False, "29002")
        agent.till.answer(camera, True, "29003")
        assert [await process.heard.get() for _ in range(3)] == [
            Answer(question="q-1", ours=True),
            Hand(number="29001", reader="till"),
            Hand(number="29003", reader="camera"),
        ]
        assert agent.till.counts["till_handed"] == 2


async def test_who_shows_a_code_elsewhere_in_the_store_is_not_handed_to_the_register(tmp_path: Path) -> None:
    async with together(tmp_path / "s") as (process, agent):
        at_shelf = Scan(at=NOW, reader="shelf-camera", zone=ZoneId("shelf"), format="QRCode", content=b"x")
        agent.till.answer(at_shelf, True, "29001")
        agent.till.answer(replace(at_shelf, reader="camera", zone=ZoneId("checkout")), True, "29002")
        assert await process.heard.get() == Hand(number="29002", reader="camera")


def test_the_register_stands_where_scanners_are_shared_or_a_checkouts_screen_is_seen(tmp_path: Path) -> None:
    settings = config.EdgeConfig(
        folder=tmp_path,
        zones=tuple(config.Zone(zone=zone) for zone in ("shelf", "till", "counter")),
        sensors=(),
        screens=(config.ScreenConfig(screen="s", socket=tmp_path / "s", zones=("shelf",)),),
    )
    scanner = config.Serial(kind="serial", name="till", zone="counter", device=tmp_path / "tty", shared=True)
    screen = config.ScreenConfig(screen="t", socket=tmp_path / "t", zones=("till",), use="till")
    assert checkouts(settings) == {"shelf", "till", "counter"}, "nothing says where it is"
    assert checkouts(replace(settings, sensors=(scanner,))) == {"counter"}
    assert checkouts(replace(settings, sensors=(scanner,), screens=(screen,))) == {"counter", "till"}
    assert checkouts(replace(settings, sensors=(replace(scanner, shared=False),), screens=(screen,))) == {"till"}


@pytest.mark.parametrize("number", ["山田", "1\r2", "1" * 33])
async def test_a_number_that_cannot_be_typed_is_not_handed(number: str, tmp_path: Path) -> None:
    async with together(tmp_path / "s") as (process, agent):
        process.asks("q-1")
        agent.till.answer(await agent.scans.get(), True, number)
        assert await process.heard.get() == Answer(question="q-1", ours=True)
        assert agent.till.counts["till_unsayable"] == 1


async def test_what_is_old_or_of_a_reader_that_is_not_here_is_theirs(tmp_path: Path) -> None:
    async with together(tmp_path / "s") as (process, agent):
        process.asks("q-1", at=NOW - STALE - 0.1)
        process.asks("q-2", reader="elsewhere")
        process.asks("q-3", at=NOW + 50)
        assert [await process.heard.get() for _ in range(2)] == [
            Answer(question="q-1", ours=False),
            Answer(question="q-2", ours=False),
        ]
        scan = await agent.scans.get()
        assert (scan.question, scan.at) == ("q-3", NOW)
        assert agent.till.counts == {"till_asked": 3, "till_answered": 2, "till_stale": 1, "till_strange": 1}


async def test_questions_that_nobody_answers_are_forgotten(tmp_path: Path) -> None:
    async with together(tmp_path / "s") as (process, agent):
        for number in range(MOST_OPEN + 5):
            process.asks(f"q-{number}")
        first = await agent.scans.get()
        await until(lambda: agent.till.counts.get("till_asked") == MOST_OPEN + 5)
        agent.till.answer(first, False, None)
        while agent.scans.qsize() > 1:
            agent.scans.get_nowait()
        agent.till.answer(agent.scans.get_nowait(), False, None)
        assert await process.heard.get() == Answer(question=f"q-{MOST_OPEN + 4}", ours=False)
        assert len(agent.till._open) == MOST_OPEN - 1


async def test_how_the_process_is_is_known_while_it_is_there(tmp_path: Path, later: Move) -> None:
    path = tmp_path / "s"
    agent = Agent(path)
    assert agent.till.trouble == ""
    async with running(agent):
        await until(lambda: agent.till.trouble)
        assert agent.till.trouble == "The register's process does not run: systemctl status noren-register"
        agent.till.answer(Scan(at=0, reader="a", zone=ZoneId("checkout"), format="", content=b""), True, "29001")
        assert (agent.till.connected, agent.till.counts) == (False, {"till_unsent": 1})
        process = Process(path)
        async with process.link.open():
            await later(AGAIN)
            await process.came.wait()
            assert agent.till.trouble == ""
            gone = {"till": "The scanner is gone.", "register-1": "It does not work."}
            assert process.link.tell(Vitals(counts={"read": 3, "late": 1}, troubles=gone))
            await until(lambda: agent.till.troubles)
            assert agent.till.troubles == gone
            assert agent.till.trouble == "The scanner is gone. It does not work."
            assert agent.till.counts == {"till_unsent": 1, "register_read": 3, "register_late": 1}
        await until(lambda: not agent.till.connected)
        await later(AGAIN)
        await until(lambda: "does not run" in agent.till.trouble)
        assert agent.till.counts == {"till_unsent": 1}


@pytest.mark.parametrize("said", [b"junk\n", b"x" * (MAX_LINE + 10), b'{"kind":"question","body":{"at":"x"}}\n'])
async def test_a_process_that_says_what_is_no_message_is_left_and_tried_again(
    said: bytes, tmp_path: Path, later: Move
) -> None:
    came: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.put_nowait(writer)

    agent = Agent(tmp_path / "s")
    async with await asyncio.start_unix_server(serve, tmp_path / "s"), running(agent):
        first = await came.get()
        first.write(said)
        await until(lambda: agent.till.counts.get("till_garbled"))
        assert not agent.till.connected
        await later(AGAIN)
        second = await came.get()
        first.transport.abort()
        second.transport.abort()


async def test_an_answer_to_a_process_that_was_killed_is_no_answer_to_the_next(tmp_path: Path, later: Move) -> None:
    path = tmp_path / "s"
    async with together(path) as (process, agent):
        process.asks("q-1")
        scan = await agent.scans.get()
        process.link._hang_up()
        await until(lambda: not agent.till.connected)
        await later(AGAIN)
        await process.came.wait()
        agent.till.answer(scan, False, None)
        agent.till.answer(scan, True, "29001")
        assert await process.heard.get() == Hand(number="29001", reader="till")
