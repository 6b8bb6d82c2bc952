"""Enrolment and revocation."""

from __future__ import annotations

import base64
import hashlib

import pytest
from sqlalchemy import Engine

from central import agents
from central.errors import Unknown
from central.storage.database import reading, writing


def test_the_secret_is_mosquittos_hash_of_the_password(engine: Engine) -> None:
    with writing(engine) as connection:
        password = agents.enrol(connection, "ginza", "pi-1")
        found = agents.find(connection, "pi-1")
    assert found is not None
    assert (found.store, found.revoked) == ("ginza", False)
    _, kind, rounds, salt, digest = found.secret.split("$")
    again = hashlib.pbkdf2_hmac("sha512", password.encode(), base64.b64decode(salt), int(rounds), 64)
    assert (kind, again) == ("7", base64.b64decode(digest))
    assert password not in found.secret


def test_revoked_agents_are_no_longer_among_the_enrolled_and_come_back_by_a_new_enrolment(engine: Engine) -> None:
    with writing(engine) as connection:
        first = agents.enrol(connection, "ginza", "pi-1")
        agents.enrol(connection, "ueno", "pi-2")
        agents.revoke(connection, "pi-1")
        assert [one.agent for one in agents.enrolled(connection)] == ["pi-2"]
        assert agents.enrol(connection, "ginza", "pi-1") != first
        assert [one.agent for one in agents.enrolled(connection)] == ["pi-1", "pi-2"]


def test_the_revision_grows_with_every_change(engine: Engine) -> None:
    seen = []
    with writing(engine) as connection:
        for change in ("enrol", "enrol", "revoke", "enrol"):
            if change == "enrol":
                agents.enrol(connection, "ginza", "pi-1")
            else:
                agents.revoke(connection, "pi-1")
            seen.append(agents.revision(connection))
    assert seen == sorted(set(seen))


@pytest.mark.parametrize(
    ("store", "name"), [("ginza", "Pi"), ("gin/za", "pi"), ("ginza", "pi\n"), ("", "pi"), ("+", "#")]
)
def test_names_that_could_mean_something_to_a_broker_are_refused(engine: Engine, store: str, name: str) -> None:
    with writing(engine) as connection, pytest.raises(Unknown, match="Use 1 to 64 of a-z"):
        agents.enrol(connection, store, name)


def test_who_is_not_there_is_told_so(engine: Engine) -> None:
    with reading(engine) as connection:
        assert agents.find(connection, "nobody") is None
    with writing(engine) as connection, pytest.raises(Unknown, match="no agent nobody"):
        agents.revoke(connection, "nobody")
