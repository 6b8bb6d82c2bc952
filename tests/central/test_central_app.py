"""Central as a process, with its own broker: the whole way up and down, and what a kill -9 leaves."""

from __future__ import annotations

import base64
import json
import os
import queue
import random
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import psutil
import pytest
from chain_keys import Device, enrolled, now
from edge_log import EdgeLog, event
from mqtt_peer import WAIT_S, Peer
from sqlalchemy import Engine, select

from central import catalogue, config, consent, gate, profiles, sources
from central.contract import codec, topics
from central.contract.asks import Ask, Told
from central.contract.batches import Ack
from central.contract.enrolment import Unlock, Unlocked
from central.contract.feeds import Heads, Page, Product, Pull
from central.ingest.report import report
from central.keys import Keys
from central.profiles import Customer
from central.storage import tables
from central.storage.database import open_database, reading, writing

KEY = "0" * 63 + "1"
ROOT = Path(__file__).parents[2]
TRIES = 40
"""How often something is looked for that comes within a second or two."""


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


@pytest.fixture
def keys(file: Path) -> Keys:
    return Keys.open(config.read(file).keys, now())


def enrol(engine: Engine, keys: Keys, folder: Path, agent: str = "pi-1") -> Device:
    with writing(engine) as connection:
        return enrolled(folder, connection, keys, "ginza", agent)


def asked(keys: Keys, ports: dict[str, Any], path: str, key: str = "") -> Any:
    """What central answers over HTTPS, believed by the chain's root."""
    call = urllib.request.Request(f"https://localhost:{ports['http']}{path}")
    if key:
        call.add_header("Authorization", "Basic " + base64.b64encode(f"{key}:".encode()).decode())
    with urllib.request.urlopen(call, context=keys.trust(now())) as answer:
        return json.load(answer)


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


def heard(edge: Peer, of: str) -> bytes:
    """The next message of this topic, whatever else comes before it."""
    while True:
        where, payload = edge.hears()
        if where == of:
            return payload


def test_up_and_down_and_a_clean_end(file: Path, database: Engine, keys: Keys, tmp_path: Path) -> None:
    pi = enrol(database, keys, tmp_path)
    log = EdgeLog().add(*(event(number) for number in range(5)))
    tea = Product(sku="tea", name={"ja": "煎茶"}, yen=800, category="tea")
    with serving(file) as (process, ports):
        (broker,) = psutil.Process(process.pid).children()
        with Peer(ports["broker"], "", "", topic("ack"), topic("page"), topics.heads("chain"), tls=pi.tls) as edge:
            edge.say(topic("up"), codec.pack(log.batch(1, 5)))
            assert codec.unpack(heard(edge, topic("ack")), Ack).seq == 5
            with writing(database) as connection:
                catalogue.save_products(connection, [tea])
            heads: dict[str, int] = {}
            while "products" not in heads:  # What member codes are is told before, perhaps twice.
                heads = codec.unpack(heard(edge, topics.heads("chain")), Heads).heads
            assert heads == {"codes": 1, "products": 1}
            pull = Pull(scope="chain", feed="products", after=0, generation="")
            edge.say(topic("pull"), codec.pack(pull))
            assert [row.key for row in codec.unpack(heard(edge, topic("page")), Page).rows] == ["tea"]
        with writing(database) as connection:
            key = sources.make_key(connection, "monitor", ["health"], now())
        health = asked(keys, ports, "/health", key)
        assert (health["ok"], health["events"]) == (True, {"crowd-counted": 5})
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT_S) == 0
        assert not broker.is_running()
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()


def test_a_member_of_another_store_comes_while_they_wait(
    file: Path, database: Engine, keys: Keys, tmp_path: Path
) -> None:
    pi = enrol(database, keys, tmp_path)
    card = "2900000000016"
    with writing(database) as connection:
        profiles.save(connection, [Customer(customer="c-1", home="ueno", tokens=(("code", card),))])
        consent.give(connection, "c-1", ["signage"], now())
    with serving(file) as (_, ports):
        with Peer(ports["broker"], "", "", topic("told"), topics.heads("ginza"), topic("page"), tls=pi.tls) as edge:
            edge.say(topics.of_agent("ueno", "pi-1", "ask"), b"another store's: the broker passes it to nobody")
            ask = Ask(ask="a-1", reader="till", at=now(), value=card)
            edge.say(topic("ask"), codec.pack(ask))
            assert codec.unpack(edge.hears()[1], Told) == Told(ask="a-1", who="coming")
            where, payload = edge.hears()
            assert (where, codec.unpack(payload, Heads).heads) == (topics.heads("ginza"), {"profiles": 1, "tokens": 1})
            edge.say(topic("pull"), codec.pack(Pull(scope="ginza", feed="profiles", after=0, generation="")))
            assert [row.key for row in codec.unpack(edge.hears()[1], Page).rows] == ["c-1"]
        with writing(database) as connection:
            key = sources.make_key(connection, "monitor", ["health"], now())
        counted = asked(keys, ports, "/health", key)["since_start"]
        assert {name: number for name, number in counted.items() if name.startswith("asks_")} == {
            "asks_answered": 1,
            "asks_coming": 1,
        }


def test_an_agent_enrolled_while_central_runs_comes_in(
    file: Path, database: Engine, keys: Keys, tmp_path: Path
) -> None:
    with serving(file) as (_, ports):
        pi = enrol(database, keys, tmp_path)
        for _ in range(TRIES):
            with Peer(ports["broker"], "", "", topic("ack"), tls=pi.tls) as edge:
                assert edge.refused is None, "its certificate is good at once; its rights come within a second"
                log = EdgeLog().add(event(1))
                edge.say(topic("up"), codec.pack(log.batch(1, 1)))
                try:
                    assert codec.unpack(edge.received.get(timeout=1.0)[1], Ack).seq == 1
                except queue.Empty:
                    continue
                return
        raise AssertionError("it has no rights")


def test_a_revoked_agent_is_out_within_five_seconds_and_nothing_of_it_is_stored(
    file: Path, database: Engine, keys: Keys, tmp_path: Path
) -> None:
    pi, other = enrol(database, keys, tmp_path), enrol(database, keys, tmp_path, "pi-2")
    log = EdgeLog().add(event(1), event(2))
    with serving(file) as (_, ports), Peer(ports["broker"], tls=other.tls) as stays:
        with Peer(ports["broker"], "", "", topic("ack"), topic("unlocked"), tls=pi.tls) as edge:
            edge.say(topic("up"), codec.pack(log.batch(1, 1)))
            assert codec.unpack(edge.hears()[1], Ack).seq == 1
            edge.say(topic("unlock"), codec.pack(Unlock(boot="b")))
            assert len(codec.unpack(edge.hears()[1], Unlocked).sealing_key) == 64
            ended = subprocess.run([sys.executable, "-m", "central", "revoke", str(file), "pi-1"], cwd=ROOT)
            assert ended.returncode == 0
            edge.say(topic("up"), codec.pack(log.batch(2, 2)))
            assert edge.left.wait(WAIT_S)
        with Peer(ports["broker"], tls=pi.tls) as again:
            assert again.refused is not None
        assert not stays.left.is_set()
    with reading(database) as connection:
        assert [row.seq for row in connection.execute(select(tables.events))] == [1]
    assert gate._LOOKS_S + sum(gate._ENDS_S) < 5.0, "what is promised"


def test_a_device_that_gets_anothers_place_ends_its_session(
    file: Path, database: Engine, keys: Keys, tmp_path: Path
) -> None:
    pi = enrol(database, keys, tmp_path)
    with serving(file) as (_, ports), Peer(ports["broker"], tls=pi.tls) as old:
        new = enrol(database, keys, tmp_path)
        assert old.left.wait(WAIT_S)
        with Peer(ports["broker"], tls=pi.tls) as again:
            assert again.refused is not None
        with Peer(ports["broker"], tls=new.tls) as other:
            assert other.refused is None


def test_keys_that_are_rotated_beside_it_are_believed(file: Path, database: Engine, keys: Keys, tmp_path: Path) -> None:
    pi = enrol(database, keys, tmp_path)
    with serving(file) as (_, ports):
        for purpose in ("root", "enrolment"):
            command = [sys.executable, "-m", "central", "rotate-key", str(file), purpose]
            assert subprocess.run(command, stdout=subprocess.DEVNULL, cwd=ROOT).returncode == 0
        new = enrol(database, keys, tmp_path, "pi-2")
        assert new.issued.issuer != pi.issued.issuer
        for one in (new, pi):
            for _ in range(TRIES):
                with Peer(ports["broker"], tls=one.tls) as peer:
                    if peer.refused is None:
                        break
            assert peer.refused is None
        context = keys.trust(now())
        with urllib.request.urlopen(f"https://localhost:{ports['http']}/v1/roots", context=context) as answer:
            assert answer.read().decode() == keys.trusted(now())
        assert keys.trusted(now()).count("BEGIN") == 2


def test_a_device_is_let_in_by_its_own_command_and_by_nobody_in_the_middle(
    file: Path, database: Engine, keys: Keys, tmp_path: Path
) -> None:
    edge = tmp_path / "edge.yaml"
    edge.write_text(f"edge:\n  folder: {tmp_path / 'edge'}\n  zones: [{{zone: door}}]\n  sensors: []\n  screens: []\n")

    def told(*words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([sys.executable, "-m", *words], capture_output=True, cwd=ROOT)

    with serving(file) as (_, ports):
        made = json.loads(told("central", "enrol", str(file), "ginza").stdout)
        assert (made["agent"], made["store"]) == ("ginza-1", "ginza")
        where, letters = made["code"].split("/")
        assert where == f"localhost:{ports['http']}"
        swapped = letters[:-4] + ("AAAA" if not letters.endswith("AAAA") else "BBBB")
        ended = told("edge", "enrol", f"{where}/{swapped}", str(edge))
        assert ended.returncode == 1, "central is not whom the code speaks of"
        ended = told("edge", "enrol", made["code"], str(edge))
        assert (ended.returncode, ended.stderr) == (0, b"")
        assert json.loads(ended.stdout) == {"agent": "ginza-1", "store": "ginza"}
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        identity = tmp_path / "edge" / "identity"
        context.load_verify_locations(identity / "trust.pem")
        context.load_cert_chain(identity / "certificate.pem", identity / "key.pem")
        with Peer(ports["broker"], tls=context) as device:
            assert device.refused is None
        used = told("edge", "enrol", made["code"], str(edge), "--again")
        assert used.returncode == 1
        assert b"unknown, used, or older" in used.stderr


def test_connections_that_begin_no_tls_leave_files_for_the_rest(file: Path, database: Engine, keys: Keys) -> None:
    with serving(file) as (process, ports), ExitStack() as held:
        for _ in range(300):
            held.enter_context(socket.create_connection(("127.0.0.1", ports["http"])))
        other = HTTPSConnection("localhost", ports["http"], context=keys.trust(now()), source_address=("127.0.0.2", 0))
        with closing(other):
            other.request("GET", "/health")
            assert other.getresponse().status == 200, "it came after them"
        assert psutil.Process(process.pid).num_fds() < 300


def test_neither_plain_http_nor_older_tls_is_served(file: Path, keys: Keys) -> None:
    with serving(file) as (_, ports):
        with pytest.raises(OSError, match=r"."):
            urllib.request.urlopen(f"http://127.0.0.1:{ports['http']}/health")
        old = keys.trust(now())
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises(OSError, match=r"(?i)protocol|handshake"):
            urllib.request.urlopen(f"https://localhost:{ports['http']}/health", context=old)
        stranger = Keys.open(file.parent / "other", now()).trust(now())
        with pytest.raises(OSError, match="certificate verify failed"):
            urllib.request.urlopen(f"https://localhost:{ports['http']}/health", context=stranger)
        assert asked(keys, ports, "/health")["ok"]


def test_two_brokers_of_others_are_both_served(file: Path, database: Engine, keys: Keys, tmp_path: Path) -> None:
    theirs = Keys.open(tmp_path / "theirs", now())
    (tmp_path / "theirs.pem").write_text(theirs.trusted(now()))
    pi = enrol(database, keys, tmp_path)
    with mosquitto(tmp_path / "a", theirs, keys) as one, mosquitto(tmp_path / "b", theirs, keys) as two:
        places = ", ".join(f"{{host: localhost, port: {port}}}" for port in (one, two))
        broker = f"{{kind: external, brokers: [{places}], ca: {tmp_path / 'theirs.pem'}}}"
        file.write_text(file.read_text().replace("{kind: embedded, port: 0}", broker))
        listing = [sys.executable, "-m", "central", "access", str(file)]
        assert b"user pi-1\ntopic write noren/v1/" in subprocess.run(listing, capture_output=True, cwd=ROOT).stdout
        log = EdgeLog().add(event(1), event(2))
        pi.tls.load_verify_locations(tmp_path / "theirs.pem")
        with serving(file):
            for number, port in ((1, one), (2, two)):
                for _ in range(TRIES):  # Central is there with one of them, and comes to the other.
                    with Peer(port, "", "", topic("ack"), tls=pi.tls) as edge:
                        edge.say(topic("up"), codec.pack(log.batch(number, number)))
                        try:
                            assert codec.unpack(edge.received.get(timeout=1.0)[1], Ack).seq == number
                        except queue.Empty:
                            continue
                        break
                else:
                    raise AssertionError("central does not come to it")


@contextmanager
def mosquitto(folder: Path, theirs: Keys, keys: Keys) -> Iterator[int]:
    """A broker that somebody else runs, with a certificate of their own CA; it lets our agents in."""
    folder.mkdir()
    server = theirs.server(("localhost", "127.0.0.1"), now())
    (folder / "ca.pem").write_text(keys.believed(now()))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    lines = [f"listener {port} 127.0.0.1", f"certfile {server}", f"keyfile {server}", f"cafile {folder / 'ca.pem'}"]
    lines += ["require_certificate true", "use_identity_as_username true", "allow_anonymous false", "user root"]
    (folder / "conf").write_text("\n".join(lines))
    with subprocess.Popen(["/usr/sbin/mosquitto", "-c", folder / "conf"], stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        try:
            while b"running" not in process.stderr.readline():
                assert process.poll() is None
            yield port
        finally:
            process.terminate()


@pytest.mark.parametrize("file_too", [False, True], ids=["database alone", "with the file beside it"])
def test_restored_from_a_backup_of_while_it_ran_everything_comes_again_once(
    file: Path, database: Engine, keys: Keys, tmp_path: Path, file_too: bool
) -> None:
    pi, folder = enrol(database, keys, tmp_path), config.read(file).folder
    log = EdgeLog().add(*(event(number) for number in range(30)))
    saved, name = tmp_path / "saved.db", ""

    def generation() -> str:
        with reading(database) as connection:
            return connection.scalar(select(tables.generation.c.generation)) or ""

    with serving(file) as (process, ports):
        with Peer(ports["broker"], "", "", topic("ack"), tls=pi.tls) as edge:
            edge.say(topic("up"), codec.pack(log.batch(1, 10)))
            assert codec.unpack(edge.hears()[1], Ack).seq == 10
            with closing(sqlite3.connect(folder / "central.db")) as whole, closing(sqlite3.connect(saved)) as copy:
                whole.backup(copy)
            name = (folder / "incarnation").read_text()
            edge.say(topic("up"), codec.pack(log.batch(11, 20)))
            assert codec.unpack(edge.hears()[1], Ack).seq == 20
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT_S) == 0
    before = generation()
    database.dispose()
    for end in ("", "-wal", "-shm"):
        (folder / f"central.db{end}").unlink(missing_ok=True)
    shutil.copy(saved, folder / "central.db")
    if file_too:
        (folder / "incarnation").write_text(name)
    with serving(file) as (_, ports), Peer(ports["broker"], "", "", topic("ack"), tls=pi.tls) as edge:
        edge.say(topic("up"), codec.pack(log.batch(21, 30)))
        assert codec.unpack(edge.hears()[1], Ack).seq == 10, "this tells an edge, also where nothing else does"
        edge.say(topic("up"), codec.pack(log.batch(11, 30)))
        assert codec.unpack(edge.hears()[1], Ack).seq == 30
        assert (generation() == before) is file_too
    with reading(database) as connection:
        found = report(connection)
    assert [row["count"] for row in found["events"]] == [30]
    assert found["gaps"] == found["forks"] == []
    assert (found["restored"] is None) is file_too


def test_killed_in_the_middle_of_ingest_nothing_is_lost_or_doubled(
    file: Path, database: Engine, keys: Keys, tmp_path: Path
) -> None:
    pi = enrol(database, keys, tmp_path)
    log = EdgeLog().add(*(event(number) for number in range(6_000)))
    chance = random.Random(20261124)
    known = cut = rounds = 0
    while known < len(log.made):
        with serving(file) as (process, ports), Peer(ports["broker"], "", "", topic("ack"), tls=pi.tls) as edge:
            sent, most = known, chance.randint(5, 15) if rounds < 4 else len(log.made)
            for _ in range(most):
                while sent < min(known + 1_000, len(log.made)):  # Ahead, so that the kill meets work on its way.
                    edge.say(topic("up"), codec.pack(log.batch(sent + 1, sent + 50)))
                    sent += 50
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
    assert (row["count"], row["distinct"], row["max_seq"]) == (6_000, 6_000, 6_000)
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
