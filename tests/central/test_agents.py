"""Codes, certificates and their end: once, within a day, for one device at a time."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from chain_keys import request
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select

from central import agents
from central.contract.enrolment import CROCKFORD
from central.errors import BadRequest, CodeRefused, Unknown
from central.keys import Keys
from central.storage import tables
from central.storage.database import reading, writing

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def let_in(engine: Engine, keys: Keys, store: str = "ginza", name: str = "pi-1", at: datetime = NOW) -> str:
    """Enrol a device; gives the serial of its certificate."""
    with writing(engine) as connection:
        _, secret = agents.make_code(connection, store, name, at)
    with writing(engine) as connection:
        return agents.enrol(connection, secret, request(), keys, at).issued.serial


def revoked(engine: Engine, at: datetime = NOW) -> dict[str, str]:
    with reading(engine) as connection:
        return {one.serial: whose for one, whose in agents.revoked_certificates(connection, at).items()}


def test_a_code_makes_one_device_the_agent_that_it_is_for(engine: Engine, keys: Keys) -> None:
    with writing(engine) as connection:
        name, secret = agents.make_code(connection, "ginza", None, NOW)
        assert (name, len(secret), set(secret) <= set(CROCKFORD)) == ("ginza-1", 12, True)
        assert agents.admitted(connection, NOW) == (), "nobody is in before a device came"
    with writing(engine) as connection:
        done = agents.enrol(connection, secret, request(), keys, NOW + DAY - timedelta(seconds=1))
        assert (done.agent, done.store) == ("ginza-1", "ginza")
        found = agents.find(connection, "ginza-1")
        row = connection.execute(select(tables.certificate)).one()
    assert found == agents.Agent(agent="ginza-1", store="ginza", revoked=False)
    assert (row.serial, row.issuer, row.agent, row.revoked) == (done.issued.serial, done.issued.issuer, "ginza-1", None)


def test_a_code_is_kept_nowhere(engine: Engine) -> None:
    with writing(engine) as connection:
        _, secret = agents.make_code(connection, "ginza", None, NOW)
        (row,) = connection.execute(select(tables.code)).all()
    assert secret not in "".join(map(str, row))


@pytest.mark.parametrize("how", ["unknown", "used", "late", "withdrawn", "empty", "part", "another's digest"])
def test_a_code_that_is_not_good_lets_nobody_in(engine: Engine, keys: Keys, how: str) -> None:
    with writing(engine) as connection:
        _, secret = agents.make_code(connection, "ginza", "pi-1", NOW)
        digest = connection.scalar(select(tables.code.c.digest))
    at = NOW
    if how == "used":
        with writing(engine) as connection:
            agents.enrol(connection, secret, request(), keys, NOW)
    elif how == "late":
        at = NOW + DAY
    elif how == "withdrawn":
        let_in(engine, keys)
        with writing(engine) as connection:
            agents.revoke(connection, "pi-1", NOW)
    tried = {"unknown": "0" * 12, "empty": "", "part": secret[:11], "another's digest": str(digest)}.get(how, secret)
    with pytest.raises(CodeRefused, match="unknown, used, or older"), writing(engine) as connection:
        agents.enrol(connection, tried, request(), keys, at)


def test_a_bad_request_does_not_use_the_code_up(engine: Engine, keys: Keys) -> None:
    with writing(engine) as connection:
        _, secret = agents.make_code(connection, "ginza", "pi-1", NOW)
    with pytest.raises(BadRequest), writing(engine) as connection:
        agents.enrol(connection, secret, "junk", keys, NOW)
    with writing(engine) as connection:
        assert agents.enrol(connection, secret, request(), keys, NOW).agent == "pi-1"


@given(st.data())
def test_a_code_may_be_typed_as_people_do(data: st.DataObject) -> None:
    secret = data.draw(st.text(CROCKFORD, min_size=12, max_size=12))
    typed = "".join(data.draw(st.sampled_from({"0": "0oO", "1": "1iIlL"}.get(c, c + c.lower()))) for c in secret)
    parted = "-".join((typed[:4], typed[4:8], typed[8:]))
    assert agents._plain(parted) == secret


def test_of_two_devices_that_bring_a_code_at_once_one_is_let_in(engine: Engine, keys: Keys) -> None:
    with writing(engine) as connection:
        _, secret = agents.make_code(connection, "ginza", "pi-1", NOW)
    said: list[str] = []

    def come() -> None:
        try:
            with writing(engine) as connection:
                said.append(agents.enrol(connection, secret, request(), keys, NOW).agent)
        except CodeRefused:
            said.append("refused")

    threads = [threading.Thread(target=come) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["pi-1"] + ["refused"] * 5


def test_the_next_agent_of_a_store_is_the_first_name_that_is_free(engine: Engine, keys: Keys) -> None:
    let_in(engine, keys, "ginza", "ginza-2")
    let_in(engine, keys, "ginza-a", "ginza-a-1")
    with writing(engine) as connection:
        assert [agents.make_code(connection, "ginza", None, NOW)[0] for _ in range(3)] == [
            "ginza-1",
            "ginza-3",
            "ginza-4",
        ]
        later = NOW + 2 * DAY
        assert agents.make_code(connection, "ginza", None, later)[0] == "ginza-1", "codes that ran out hold no name"


def test_a_device_that_takes_another_ones_place_takes_its_certificates_from_it(engine: Engine, keys: Keys) -> None:
    first = let_in(engine, keys)
    with writing(engine) as connection:
        second = agents.renew(connection, "pi-1", request(), keys, NOW).serial
    assert revoked(engine) == {}, "a renewal leaves the one before"
    let_in(engine, keys, name="pi-2")
    third = let_in(engine, keys)
    assert revoked(engine) == {first: "pi-1", second: "pi-1"}
    with writing(engine) as connection:
        agents.revoke(connection, "pi-1", NOW)
    assert set(revoked(engine)) == {first, second, third}
    assert revoked(engine, NOW + timedelta(days=366)) == {}, "what ran out needs no list"


def test_revoked_agents_are_no_longer_among_the_enrolled_and_come_back_by_a_new_code(
    engine: Engine, keys: Keys
) -> None:
    let_in(engine, keys)
    let_in(engine, keys, "ueno", "pi-2")
    with writing(engine) as connection:
        agents.revoke(connection, "pi-1", NOW)
        assert [one.agent for one in agents.admitted(connection, NOW)] == ["pi-2"]
        with pytest.raises(Unknown):
            agents.renew(connection, "pi-1", request(), keys, NOW)
    let_in(engine, keys)
    with reading(engine) as connection:
        assert [one.agent for one in agents.admitted(connection, NOW)] == ["pi-1", "pi-2"]


def test_an_agent_whose_certificates_have_run_out_is_not_admitted(engine: Engine, keys: Keys) -> None:
    let_in(engine, keys)
    let_in(engine, keys, "ueno", "pi-2")
    with writing(engine) as connection:
        agents.renew(connection, "pi-2", request(), keys, NOW + 30 * DAY)
    for days, there in ((364, ["pi-1", "pi-2"]), (365, ["pi-2"]), (395, [])):
        with reading(engine) as connection:
            assert [one.agent for one in agents.admitted(connection, NOW + days * DAY)] == there


def test_a_renewal_has_its_bounds(engine: Engine, keys: Keys) -> None:
    let_in(engine, keys)
    with writing(engine) as connection:
        for _ in range(9):
            agents.renew(connection, "pi-1", request(), keys, NOW)
        with pytest.raises(Unknown, match="10 certificates within a day"):
            agents.renew(connection, "pi-1", request(), keys, NOW)
        with pytest.raises(BadRequest):
            agents.renew(connection, "pi-1", "junk", keys, NOW + 2 * DAY)
        agents.renew(connection, "pi-1", request(), keys, NOW + 2 * DAY)
        agents.renew(connection, "pi-1", request(), keys, NOW + timedelta(days=366))
        assert connection.scalar(select(func.count()).select_from(tables.certificate)) == 2, "those that ran out go"


def test_the_revision_grows_with_every_change(engine: Engine, keys: Keys) -> None:
    seen = []
    for change in ("enrol", "enrol", "revoke", "enrol"):
        if change == "enrol":
            let_in(engine, keys)
        else:
            with writing(engine) as connection:
                agents.revoke(connection, "pi-1", NOW)
        with reading(engine) as connection:
            seen.append(agents.revision(connection))
    assert seen == sorted(set(seen))


@pytest.mark.parametrize(
    ("store", "name"),
    [
        ("ginza", "Pi"),
        ("ginza", "Central"),
        ("gin/za", "pi"),
        ("ginza", "pi\n"),
        ("", "pi"),
        ("+", "#"),
        ("g", "x" * 65),
    ],
)
def test_names_that_could_mean_something_to_a_broker_are_refused(engine: Engine, store: str, name: str) -> None:
    with writing(engine) as connection, pytest.raises(Unknown, match="Use 1 to 64 of a-z"):
        agents.make_code(connection, store, name, NOW)


def test_a_store_whose_agents_would_have_too_long_names_needs_them_said(engine: Engine) -> None:
    with writing(engine) as connection:
        with pytest.raises(Unknown, match="is no agent's name"):
            agents.make_code(connection, "x" * 64, None, NOW)
        assert agents.make_code(connection, "x" * 64, "pi-1", NOW)[0] == "pi-1"


def test_all_stores_are_no_store(engine: Engine) -> None:
    with writing(engine) as connection, pytest.raises(Unknown, match="means all stores"):
        agents.make_code(connection, "chain", "pi-1", NOW)


def test_codes_that_wait_are_bounded(engine: Engine) -> None:
    with writing(engine) as connection:
        for number in range(1000):
            agents.make_code(connection, "ginza", f"pi-{number}", NOW)
        with pytest.raises(Unknown, match="1000 codes wait"):
            agents.make_code(connection, "ginza", "pi-x", NOW)
        agents.make_code(connection, "ginza", "pi-x", NOW + DAY)


def test_who_is_not_there_is_told_so(engine: Engine) -> None:
    with reading(engine) as connection:
        assert agents.find(connection, "nobody") is None
    with writing(engine) as connection, pytest.raises(Unknown, match="no agent nobody"):
        agents.revoke(connection, "nobody", NOW)
