"""The commands of central, as they are typed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from edge_log import NOON, EdgeLog, event
from sqlalchemy import Engine, select

from central import agents, config, consent, profiles, sample
from central.cli import load, main
from central.config import CentralConfig
from central.contract import member_code
from central.ingest.worker import Ingest
from central.profiles import Customer
from central.storage import tables
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


def test_enrol_prints_once_what_the_agent_needs(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["enrol", str(file), "ginza", "pi-1"]) == 0
    told = said(capsys)
    assert set(told) == {"agent", "password", "key"}
    assert told["key"] == member_code.store_key(bytes.fromhex(KEY), "ginza").hex()
    assert main(["store-key", str(file), "ginza"]) == 0
    assert capsys.readouterr().out.strip() == told["key"]
    assert main(["revoke", str(file), "pi-1"]) == 0
    assert main(["revoke", str(file), "pi-2"]) == 1
    assert capsys.readouterr().err.startswith("There is no agent pi-2.")


def test_a_key_is_told_once_and_only_its_digest_is_kept(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = []
    for _ in range(2):
        assert main(["key", str(file), "web-shop"]) == 0
        told = said(capsys)
        assert set(told) == {"name", "key"}
        keys.append(told["key"])
    with opened(config.read(file)) as engine, reading(engine) as connection:
        assert [agents.source_of(connection, key) for key in keys] == [None, "web-shop"]
    for kept in (tmp_path / "central").iterdir():
        assert keys[1].encode() not in kept.read_bytes()
    assert [main(["revoke-key", str(file), "web-shop"]) for _ in range(2)] == [0, 1]
    assert capsys.readouterr().err.startswith("There is no source web-shop.")
    with opened(config.read(file)) as engine, reading(engine) as connection:
        assert agents.source_of(connection, keys[1]) is None


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
    assert main(["enrol", str(file), "ginza", "pi-1"]) == 0
    capsys.readouterr()
    log = EdgeLog().add(*(event(number) for number in range(4)))
    with opened(config.read(file)) as engine:
        Ingest(engine, lambda *_: None, lambda: NOON).take([log.message(log.batch(1, 4))])
    assert main(["report", str(file), "--json", "--plays"]) == 0
    kinds = {"crowd-counted": 4}
    row = {"agent": "pi-1", "store": "ginza", "epoch": "e1", "count": 4, "distinct": 4, "max_seq": 4, "kinds": kinds}
    assert said(capsys) == {"events": [row], "gaps": [], "forks": [], "held": 0, "quarantine": [], "plays": []}
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
