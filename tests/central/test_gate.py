"""Who may come in, kept up to date: the broker's files follow enrolments, and our own certificates are made anew."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from chain_keys import enrolled, now
from cryptography import x509
from edge_log import NOON
from sqlalchemy import Engine

from central import agents, gate
from central.broker import Broker
from central.config import CentralConfig, Embedded, External, Http, Place
from central.contract.enrolment import Where
from central.errors import KeysUnusable
from central.gate import Gate
from central.keys import Keys
from central.storage import tables
from central.storage.database import writing

KEY = "0" * 63 + "1"


class Clock:
    def __init__(self) -> None:
        self.at = now()

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def own(tmp_path: Path, keys: Keys) -> Broker:
    return Broker(tmp_path / "broker", "127.0.0.1", 0, keys.server(("localhost",), now()))


@pytest.fixture
def config(tmp_path: Path) -> CentralConfig:
    return CentralConfig(folder=tmp_path, key=KEY)


@pytest.fixture
def made(config: CentralConfig, engine: Engine, keys: Keys, clock: Clock) -> Gate:
    return Gate(config, engine, keys, clock)


def written(tmp_path: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in (tmp_path / "broker").iterdir()}


def test_the_brokers_files_follow_enrolments_and_are_let_be_otherwise(
    made: Gate, own: Broker, engine: Engine, keys: Keys, tmp_path: Path, clock: Clock
) -> None:
    assert made.admit(own) == set()
    seen = written(tmp_path)
    assert "pi-1" not in seen["access"]
    assert made.admit(own) == set()
    assert written(tmp_path) == seen, "not even its time has changed"
    with writing(engine) as connection:
        pi = enrolled(tmp_path, connection, keys, "ginza", "pi-1")
    assert made.admit(own) == set()
    assert "user pi-1\n" in written(tmp_path)["access"]
    with writing(engine) as connection:
        agents.revoke(connection, "pi-1", clock.at)
    assert made.admit(own) == {"pi-1"}
    assert made.admit(own) == set(), "told once"
    after = written(tmp_path)
    assert "pi-1" not in after["access"]
    (revoked,) = x509.load_pem_x509_crl(after["revoked.pem"].encode())
    assert f"{revoked.serial_number:x}" == pi.issued.serial


def test_who_floods_has_no_rights_for_a_while_and_keeps_its_session(
    made: Gate, own: Broker, engine: Engine, keys: Keys, tmp_path: Path, clock: Clock
) -> None:
    with writing(engine) as connection:
        for agent in ("pi-1", "pi-2"):
            enrolled(tmp_path, connection, keys, "ginza", agent)
    made.admit(own)
    for _ in range(3):
        made.put_out({"pi-1": 99, "pi-2": 5000})
    assert made.admit(own) == set()
    assert made.counts["put_out"] == 1
    access = written(tmp_path)["access"]
    assert "user pi-1\n" in access
    assert "user pi-2\n" not in access
    clock.at += timedelta(minutes=6)
    made.put_out({})
    assert made.admit(own) == set()
    assert "user pi-2\n" in written(tmp_path)["access"]


def test_a_database_that_was_restored_brings_no_revoked_certificate_back(
    config: CentralConfig, own: Broker, engine: Engine, keys: Keys, tmp_path: Path, clock: Clock
) -> None:
    with writing(engine) as connection:
        pi = enrolled(tmp_path, connection, keys, "ginza", "pi-1")
        agents.revoke(connection, "pi-1", clock.at)
    Gate(config, engine, keys, clock).admit(own)
    with writing(engine) as connection:  # As the backup had it.
        connection.execute(tables.certificate.update().values(revoked=None))
        connection.execute(tables.agent.update().values(revoked=False))
    for _ in range(2):
        Gate(config, engine, keys, clock).admit(own)
        (revoked,) = x509.load_pem_x509_crl(own.revocations().encode())
        assert f"{revoked.serial_number:x}" == pi.issued.serial
    clock.at += timedelta(days=366)
    Gate(config, engine, keys, clock).admit(own)
    assert list(x509.load_pem_x509_crl(own.revocations().encode())) == [], "it has run out"


@pytest.mark.parametrize("junk", ["", "junk", "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", "\xff"])
def test_a_list_that_cannot_be_read_is_written_anew(made: Gate, own: Broker, tmp_path: Path, junk: str) -> None:
    (tmp_path / "broker").mkdir()
    (tmp_path / "broker" / "revoked.pem").write_text(junk)
    made.admit(own)
    assert own.revocations().startswith("-----BEGIN X509 CRL")


def test_what_was_revoked_before_it_began_had_no_session(
    made: Gate, own: Broker, engine: Engine, keys: Keys, tmp_path: Path, clock: Clock
) -> None:
    with writing(engine) as connection:
        enrolled(tmp_path, connection, keys, "ginza", "pi-1")
        agents.revoke(connection, "pi-1", clock.at)
    assert made.admit(own) == set()


def test_who_gets_anothers_place_and_whose_certificate_runs_out_ends_a_session(
    made: Gate, own: Broker, engine: Engine, keys: Keys, tmp_path: Path, clock: Clock
) -> None:
    for name in ("pi-1", "pi-2"):
        with writing(engine) as connection:
            enrolled(tmp_path, connection, keys, "ginza", name)
    assert made.admit(own) == set()
    with writing(engine) as connection:
        enrolled(tmp_path, connection, keys, "ginza", "pi-1")
    assert made.admit(own) == {"pi-1"}
    assert "user pi-1\n" in written(tmp_path)["access"]
    clock.at += timedelta(days=366)
    assert made.admit(own) == {"pi-1", "pi-2"}
    assert "pi-" not in written(tmp_path)["access"]


@pytest.mark.parametrize(
    "change",
    [
        lambda keys, clock: keys.rotate("enrolment", clock.at),
        lambda keys, clock: keys.server(("localhost", "other.example"), clock.at),
        lambda _, clock: setattr(clock, "at", clock.at + timedelta(days=1)),
    ],
    ids=["a key was rotated", "the server's certificate was renewed", "the revocation list is a day old"],
)
def test_the_broker_reads_its_files_again_when(
    made: Gate, own: Broker, tmp_path: Path, keys: Keys, clock: Clock, change: Callable[[Keys, Clock], None]
) -> None:
    made.admit(own)
    before = written(tmp_path)
    change(keys, clock)
    made.admit(own)
    assert written(tmp_path)["revoked.pem"] != before["revoked.pem"]


def served(context: ssl.SSLContext, trusts: ssl.SSLContext) -> int:
    """Shake hands in memory; gives the serial of the certificate that is shown."""
    trusts.verify_flags |= 0x200000  # X509_V_FLAG_NO_CHECK_TIME: the clock of the tests is not OpenSSL's.
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(to_server, to_client, server_side=True)
    client = trusts.wrap_bio(to_client, to_server, server_hostname="localhost")
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    shown = client.getpeercert(binary_form=True)
    assert shown is not None
    return x509.load_der_x509_certificate(shown).serial_number


def test_certificates_of_our_own_are_made_anew_and_shown_without_a_restart(
    made: Gate, keys: Keys, clock: Clock
) -> None:
    before = served(made.http, keys.trust(clock.at))
    clock.at += timedelta(days=59)
    made.care()
    assert served(made.http, keys.trust(clock.at)) == before
    clock.at += timedelta(days=2)
    made.care()
    after = served(made.http, keys.trust(clock.at))
    assert after != before
    own = x509.load_pem_x509_certificate(keys.server(made._config.hosts, clock.at).read_bytes())
    assert own.serial_number == after
    assert own.not_valid_after_utc > clock.at + timedelta(days=89)


def test_a_certificate_of_a_public_ca_is_shown_and_followed(
    config: CentralConfig, engine: Engine, keys: Keys, clock: Clock, tmp_path: Path
) -> None:
    public = Keys.open(tmp_path / "public", now())
    file = public.server(("localhost",), clock.at)
    http = Http(certificate=file, private_key=file)
    gate = Gate(CentralConfig(folder=config.folder, key=KEY, http=http), engine, keys, clock)
    first = served(gate.http, public.trust(clock.at))
    with pytest.raises(ssl.SSLCertVerificationError):
        served(gate.http, keys.trust(clock.at))
    public.server(("localhost", "new.example"), clock.at)
    gate.care()
    assert served(gate.http, public.trust(clock.at)) != first
    file.write_text("junk")
    with pytest.raises(KeysUnusable, match="See that it, its private key"):
        gate.care()
    file.unlink()
    with pytest.raises(KeysUnusable, match=r"cannot be used"):
        Gate(gate._config, engine, keys, clock)


def test_what_agents_are_told_follows_the_configuration(config: CentralConfig, tmp_path: Path) -> None:
    def told(**changes: object) -> agents.Reach:
        return gate.reach(CentralConfig(folder=tmp_path, key=KEY, **changes), 8710, 9999)  # type: ignore[arg-type]

    assert told() == agents.Reach(
        brokers=(Where(host="localhost", port=9999),), assets="https://localhost:8710/assets", ca=""
    )
    assert told(names=("fd00::7",)).assets == "https://[fd00::7]:8710/assets"
    (tmp_path / "ca.pem").write_text("their root\n")
    two = (Place(host="a"), Place(host="b", port=1))
    there = told(broker=External(kind="external", brokers=two, ca=tmp_path / "ca.pem"), assets_url="https://cdn/x")
    wheres = (Where(host="a", port=8883), Where(host="b", port=1))
    assert there == agents.Reach(brokers=wheres, assets="https://cdn/x", ca="their root\n")
    assert told(broker=Embedded(kind="embedded"), brokers=two).brokers == wheres
    with pytest.raises(KeysUnusable, match=r"broker\.ca"):
        told(broker=External(kind="external", brokers=two, ca=tmp_path / "none.pem"))


def test_a_ca_that_is_none_is_told_with_the_fix(engine: Engine, keys: Keys, clock: Clock, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("junk")
    there = External(kind="external", brokers=(Place(host="a"),), ca=tmp_path / "ca.pem")
    with pytest.raises(KeysUnusable, match=r"no certificates in PEM.*broker\.ca"):
        Gate(CentralConfig(folder=tmp_path, key=KEY, broker=there), engine, keys, clock)


def test_central_begins_with_a_clock_that_is_behind(config: CentralConfig, engine: Engine, keys: Keys) -> None:
    Gate(config, engine, keys, lambda: NOON - timedelta(days=9999))
