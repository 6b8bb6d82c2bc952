"""The commands of central, as they are typed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import chain_keys
import pytest
from edge_log import NOON, EdgeLog, event
from sqlalchemy import Engine, select

from central import agents, config, consent, profiles, sample, sources
from central.cli import _with_config, load, main
from central.config import CentralConfig
from central.contract import member_code, topics
from central.contract.enrolment import CROCKFORD
from central.ingest.worker import Ingest
from central.keys import Keys
from central.profiles import Customer
from central.sources import Source
from central.storage import tables
from central.storage.aside import set_aside
from central.storage.database import open_database, reading, writing

KEY = "0" * 63 + "1"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "c.yaml"
    made.write_text(f'central:\n  folder: {tmp_path / "central"}\n  key: "{KEY}"\n')
    return made


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_check_is_content_or_lists_the_problems(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(file)]) == 0
    file.write_text("central:\n  key: 3\n")
    assert main(["check", str(file)]) == 2
    assert "line 2: central.key" in capsys.readouterr().err


def test_migrate_makes_the_database_and_can_be_run_again(file: Path, tmp_path: Path) -> None:
    assert [main(["migrate", str(file)]) for _ in range(2)] == [0, 0]
    assert (tmp_path / "central" / "central.db").is_file()


def test_enrol_prints_a_code_for_the_stores_next_agent(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = Keys.open(config.read(file).keys, NOON)
    for given, name in (([], "ginza-1"), ([], "ginza-2"), (["pi-1"], "pi-1"), (["pi-1"], "pi-1")):
        assert main(["enrol", str(file), "ginza", *given]) == 0
        told = said(capsys)
        assert (set(told), told["agent"], told["store"]) == ({"agent", "store", "code", "until"}, name, "ginza")
        where, letters = told["code"].split("/")
        groups = letters.split("-")
        assert (where, [len(group) for group in groups]) == ("localhost:8710", [4] * 7)
        assert set("".join(groups)) <= set(CROCKFORD)
        assert "".join(groups[3:]) == tree.root(NOON).fingerprint
    assert main(["enrol", str(file), "Ginza"]) == 1
    assert "is no store's name" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "where"), [("central.example", "central.example:99"), ("fd00::7", "[fd00::7]:99")])
def test_a_code_says_where_central_is(file: Path, capsys: pytest.CaptureFixture[str], name: str, where: str) -> None:
    file.write_text(file.read_text() + f'  names: ["{name}"]\n  http: {{port: 99}}\n')
    assert main(["enrol", str(file), "ginza"]) == 0
    assert said(capsys)["code"].startswith(f"{where}/")


def test_a_port_that_nobody_knows_yet_is_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(file.read_text() + "  http: {port: 0}\n")
    assert main(["enrol", str(file), "ginza"]) == 1
    assert "Give it one, or start central first" in capsys.readouterr().err


def test_revoke_says_who_is_not_there(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with opened(config.read(file)) as engine, writing(engine) as connection:
        chain_keys.known(connection, "ginza", "pi-1")
    assert [main(["revoke", str(file), name]) for name in ("pi-1", "pi-2")] == [0, 1]
    assert capsys.readouterr().err.startswith("There is no agent pi-2.")
    assert main(["store-key", str(file), "ginza"]) == 0
    assert capsys.readouterr().out.strip() == member_code.store_key(bytes.fromhex(KEY), "ginza").hex()


def test_keys_are_listed_and_rotated(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def listed() -> list[Any]:
        assert main(["keys", str(file)]) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    before = listed()
    assert [row["purpose"] for row in before] == ["root", "enrolment", "codes", "manifests", "releases"]
    assert all(set(row) == {"id", "purpose", "from", "until"} for row in before)
    assert main(["rotate-key", str(file), "manifests"]) == 0
    made = said(capsys)
    assert [row for row in listed() if row not in before] == [made]


def test_brokers_of_others_are_told_all_that_they_need(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys, now = Keys.open(config.read(file).keys, chain_keys.now()), chain_keys.now()
    with opened(config.read(file)) as engine, writing(engine) as connection:
        for store, name in (("ginza", "pi-1"), ("ueno", "pi-2")):
            chain_keys.enrolled(tmp_path, connection, keys, store, name)
        agents.revoke(connection, "pi-2", now)
    shown = {}
    for what in ("access", "trust", "revoked"):
        assert main(["access", str(file), what]) == 0
        shown[what] = capsys.readouterr().out
    assert "user Central\ntopic readwrite noren/v1/#\n" in shown["access"]
    assert f"user pi-1\ntopic write {topics.of_agent('ginza', 'pi-1', 'up')}\n" in shown["access"]
    assert "pi-2" not in shown["access"]
    assert "%u" not in shown["access"], "mosquitto 2.0.11 takes it literally in places"
    assert (shown["trust"].count("BEGIN CERTIFICATE"), shown["revoked"].count("BEGIN X509 CRL")) == (2, 1)


@pytest.mark.parametrize(
    ("argv", "meant"),
    [
        (["enrol", "ginza"], ["enrol", "/etc/noren/noren.yaml", "ginza"]),
        (["enrol", "my.yaml", "ginza"], ["enrol", "my.yaml", "ginza"]),
        (["load-sample", "--seed", "3", "my.yml"], ["load-sample", "--seed", "3", "my.yml"]),
        (["keys"], ["keys", "/etc/noren/noren.yaml"]),
        (["keys", "--help"], ["keys", "--help"]),
        (["unknown"], ["unknown"]),
        ([], []),
    ],
)
def test_the_configuration_may_be_left_out(argv: list[str], meant: list[str]) -> None:
    assert list(_with_config(argv)) == meant


def test_a_key_is_told_once_and_only_its_digest_is_kept(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = []
    for may in ([], ["--may", "track, health"]):
        assert main(["key", str(file), "web-shop", *may]) == 0
        told = said(capsys)
        assert set(told) == {"name", "key"}
        keys.append(told["key"])
    with opened(config.read(file)) as engine, reading(engine) as connection:
        assert sources.source_of(connection, keys[0]) is None
        assert sources.source_of(connection, keys[1]) == Source(
            source="web-shop", scopes=frozenset({"track", "health"})
        )
    for kept in (tmp_path / "central").iterdir():
        assert keys[1].encode() not in kept.read_bytes()
    assert [main(["revoke-key", str(file), "web-shop"]) for _ in range(2)] == [0, 1]
    assert capsys.readouterr().err.startswith("There is no source web-shop.")
    with opened(config.read(file)) as engine, reading(engine) as connection:
        assert sources.source_of(connection, keys[1]) is None


def test_a_key_is_made_for_what_there_is(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", str(file), "web-shop", "--may", "track,all"]) == 1
    assert (
        capsys.readouterr().err
        == "A key cannot be made for all. Choose from track, consents, health, programme, codes.\n"
    )


@pytest.mark.parametrize("name", ["", "Web Shop", "店", "x" * 65, "a\n"])
def test_a_source_has_a_plain_name(file: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", str(file), name]) == 1
    assert "is no source's name. Use 1 to 64 of" in capsys.readouterr().err


@contextmanager
def opened(settings: CentralConfig) -> Iterator[Engine]:
    engine = open_database(settings.url)
    yield engine
    engine.dispose()


def test_consent_is_given_and_withdrawn(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with opened(config.read(file)) as engine, writing(engine) as connection:
        profiles.save(connection, [Customer(customer="c-1", home="ginza")])
    assert main(["consent", str(file), "c-1", "give", "presence", "signage"]) == 0
    assert main(["consent", str(file), "c-1", "withdraw", "presence"]) == 0
    with opened(config.read(file)) as engine, reading(engine) as connection:
        assert consent.given(connection, ["c-1"]) == {"c-1": {"signage"}}
    assert main(["consent", str(file), "c-9", "give", "presence"]) == 1
    assert "no customer c-9" in capsys.readouterr().err


def test_report_counts_by_agent_and_epoch(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with opened(config.read(file)) as engine, writing(engine) as connection:
        chain_keys.known(connection, "ginza", "pi-1")
    log = EdgeLog().add(*(event(number) for number in range(4)))
    with opened(config.read(file)) as engine:
        Ingest(engine, lambda *_: None, lambda: NOON).take([log.message(log.batch(1, 4))])
    assert main(["report", str(file), "--json", "--plays"]) == 0
    kinds = {"crowd-counted": 4}
    row = {"agent": "pi-1", "store": "ginza", "epoch": "e1", "count": 4, "distinct": 4, "max_seq": 4, "kinds": kinds}
    told = said(capsys)
    assert told == told | {"events": [row], "gaps": [], "forks": [], "held": 0, "quarantine": [], "plays": []}
    assert main(["report", str(file)]) == 0
    assert said(capsys)["events"] == [row]


def test_the_sample_chain_is_loaded_and_loading_again_changes_nothing(file: Path) -> None:
    settings = config.read(file)
    drawn = sample.chain(seed=7, now=NOON, pictures=False)
    picture = {hashlib.sha256(b"a picture").hexdigest(): b"a picture"}
    stored = []
    for _ in range(2):
        counted = load(settings, replace(drawn, pictures=picture), NOON)
        with opened(settings) as engine, reading(engine) as connection:
            stored.append({name: len(connection.execute(select(table)).all()) for name, table in _SAMPLE.items()})
    assert stored[0] == stored[1]
    assert counted == {"stores": 3, "products": stored[0]["product"], "members": 200, "pictures": 1}
    assert stored[0] | {"store": 3, "customer": 200, "consent": 800} == stored[0]
    assert (settings.pictures / next(iter(picture))).read_bytes() == b"a picture"
    by_number = {token.value: token.customer for token in tokens(settings) if token.means == "code"}
    assert by_number == {member.number: member.customer for member in drawn.members}


def tokens(settings: CentralConfig) -> Sequence[Any]:
    with opened(settings) as engine, reading(engine) as connection:
        return connection.execute(select(tables.token)).all()


_SAMPLE = {name: tables.metadata.tables[name] for name in ("store", "customer", "token", "consent", "product", "stock")}


def test_replay_tells_what_became_of_what_was_set_aside(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine = open_database(config.read(file).url)
    with writing(engine) as connection:
        for agent in ("pi-1", "pi-2"):
            chain_keys.known(connection, "ginza", agent)
            set_aside(connection, agent, event(1), "unreadable", "", NOON, place=("e1", 1))
    assert main(["replay", str(file), "--agent", "pi-1"]) == 0
    assert said(capsys) == {"stored": 1, "there": 0, "left": 0}
    assert main(["replay", str(file)]) == 0
    assert said(capsys) == {"stored": 1, "there": 0, "left": 0}
    with reading(engine) as connection:
        assert len(connection.execute(select(tables.events)).all()) == 2
    engine.dispose()
