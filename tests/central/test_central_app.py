"""Central as a process, with its own broker: the whole way up and down, and what a kill -9 leaves."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from edge_log import EdgeLog, event
from mqtt_peer import WAIT_S, Peer
from sqlalchemy import Engine, select

from central import agents, catalogue, config
from central.contract import codec, topics
from central.contract.batches import Ack
from central.contract.feeds import Heads, Page, Product, Pull
from central.ingest.report import report
from central.storage import tables
from central.storage.database import open_database, reading, writing

KEY = "0" * 63 + "1"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "c.yaml"
    broker, http = "{kind: embedded, port: 0}", "{port: 0}"
    made.write_text(f'central:\n  folder: {tmp_path / "c"}\n  key: "{KEY}"\n  broker: {broker}\n  http: {http}\n')
    return made


@pytest.fixture
def database(file: Path) -> Iterator[Engine]:
    engine = open_database(config.read(file).url)
    yield engine
    engine.dispose()


def enrol(engine: Engine, agent: str = "pi-1") -> str:
    with writing(engine) as connection:
        return agents.enrol(connection, "ginza", agent)


@contextmanager
def serving(file: Path) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    command = [sys.executable, "-m", "central", "serve", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def topic(leaf: str) -> str:
    return topics.of_agent("ginza", "pi-1", leaf)


def test_up_and_down_and_a_clean_end(file: Path, database: Engine) -> None:
    password = enrol(database)
    log = EdgeLog().add(*(event(number) for number in range(5)))
    tea = Product(sku="tea", name={"ja": "煎茶"}, yen=800, category="tea")
    with serving(file) as (process, ports):
        (broker,) = psutil.Process(process.pid).children()
        with Peer(ports["broker"], "pi-1", password, topic("ack"), topic("page"), topics.heads("chain")) as edge:
            edge.say(topic("up"), codec.pack(log.batch(1, 5)))
            assert codec.unpack(edge.hears()[1], Ack).seq == 5
            with writing(database) as connection:
                catalogue.save_products(connection, [tea])
            where, payload = edge.hears()
            assert (where, codec.unpack(payload, Heads).heads) == (topics.heads("chain"), {"products": 1})
            pull = Pull(scope="chain", feed="products", after=0, generation="")
            edge.say(topic("pull"), codec.pack(pull))
            assert [row.key for row in codec.unpack(edge.hears()[1], Page).rows] == ["tea"]
        health = json.load(urllib.request.urlopen(f"http://127.0.0.1:{ports['http']}/health"))
        assert (health["ok"], health["events"]) == (True, {"crowd-counted": 5})
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT_S) == 0
        assert not broker.is_running()
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()


def test_an_agent_enrolled_while_central_runs_comes_in(file: Path, database: Engine) -> None:
    with serving(file) as (_, ports):
        password = enrol(database)
        while True:
            with Peer(ports["broker"], "pi-1", password, topic("ack")) as edge:
                if edge.refused is not None:
                    continue
                log = EdgeLog().add(event(1))
                edge.say(topic("up"), codec.pack(log.batch(1, 1)))
                assert codec.unpack(edge.hears()[1], Ack).seq == 1
                return


def test_killed_in_the_middle_of_ingest_nothing_is_lost_or_doubled(file: Path, database: Engine) -> None:
    password = enrol(database)
    log = EdgeLog().add(*(event(number) for number in range(12_000)))
    chance = random.Random(20261124)
    known = cut = rounds = 0
    while known < len(log.made):
        with serving(file) as (process, ports), Peer(ports["broker"], "pi-1", password, topic("ack")) as edge:
            for first in range(known + 1, len(log.made), 50):  # Sent ahead, so that the kill meets work on its way.
                edge.say(topic("up"), codec.pack(log.batch(first, min(first + 49, len(log.made)))))
            for _ in range(chance.randint(1, 3) if rounds < 4 else 250):
                known = max(known, codec.unpack(edge.hears()[1], Ack).seq)
                if known == len(log.made):
                    break
            os.kill(process.pid, signal.SIGKILL)
        rounds += 1
        with reading(database) as connection:
            held = connection.scalars(select(tables.events.c.data).order_by(tables.events.c.seq)).all()
            cursor = connection.execute(select(tables.cursor)).one()
        assert [one.encode() for one in held] == log.made[: len(held)], "in order, and nothing twice"
        assert len(held) >= known, "what was acknowledged is stored"
        assert (cursor.seq, cursor.chain) == (len(held), log.chain[len(held)])
        cut += 0 < len(held) < len(log.made)
    with reading(database) as connection:
        (row,) = report(connection)["events"]
    assert (row["count"], row["distinct"], row["max_seq"]) == (12_000, 12_000, 12_000)
    assert cut > 0, "no kill met work on its way: the test proved nothing"


@pytest.mark.parametrize("what", ["http", "broker"])
def test_a_port_that_is_taken_is_one_sentence(file: Path, what: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        text = file.read_text()
        old = "http: {port: 0}" if what == "http" else "embedded, port: 0"
        file.write_text(text.replace(old, old.replace("0", str(port))))
        ended = subprocess.run([sys.executable, "-m", "central", "serve", str(file)], capture_output=True, cwd=ROOT)
    assert ended.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use." in ended.stderr.decode().splitlines()[-1]


def test_a_second_central_on_the_same_folder_is_one_sentence(file: Path) -> None:
    with serving(file):
        ended = subprocess.run([sys.executable, "-m", "central", "serve", str(file)], capture_output=True, cwd=ROOT)
    assert ended.returncode == 1
    assert "Another central already uses" in ended.stderr.decode().splitlines()[-1]
