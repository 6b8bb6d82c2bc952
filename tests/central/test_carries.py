"""What agents seal for players to carry is opened with their keys, and nothing else is believed."""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from pathlib import Path

import judge_cases as cases
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from central.judge.carries import Carried, Carries, Sealed, keys
from central.judge.verdict import judge
from central.page.journal import Tail
from edge.seal import Seal, seal_carry, sealing_key

KEY = bytes(range(32))
CARRIES = Carries({"ginza": KEY, "ueno": bytes(32)})
SAID = Carried(customers=("c-1",), level=2)


def sealed(data: bytes = b'{"customers":["c-1"],"level":2}', store: str = "ginza", mark: bytes = b"\x01") -> str:
    nonce = os.urandom(12)
    return b64encode(mark + nonce + AESGCM(KEY).encrypt(nonce, data, b"carry\0" + store.encode())).decode()


def test_what_an_agent_seals_is_opened(tmp_path: Path) -> None:
    key = sealing_key("disk", tmp_path)
    carry = seal_carry(Seal(key), {"customers": ["c-1"], "level": 2}, "ginza")
    assert list(carry) == ["sealed"]
    assert Carries(keys({"ginza": tmp_path, "ueno": tmp_path / "nowhere"})).open(carry, "ginza") == SAID


def test_what_is_not_sealed_is_taken_as_it_is() -> None:
    assert CARRIES.open({}, "ginza") == Carried()
    assert CARRIES.open({"customers": ["c-1"], "level": 2}, "nowhere") == SAID
    with pytest.raises(Sealed):
        CARRIES.open({"customers": "c-1"}, "ginza")


@pytest.mark.parametrize(
    ("carry", "store"),
    [
        (sealed(), "ueno"),
        (sealed(), "nowhere"),
        (sealed(store="ueno"), "ginza"),
        (sealed(mark=b"\x02"), "ginza"),
        (sealed(b"[]"), "ginza"),
        (b64encode(b64decode(sealed())[:-1]).decode(), "ginza"),
        (b64encode(b"\x01").decode(), "ginza"),
        ("", "ginza"),
        ("?", "ginza"),
        (7, "ginza"),
    ],
    ids=["another key", "no key", "another store's", "a new format", "no carry", "torn", "nothing", "", "?", "7"],
)
def test_nothing_else_is_believed(carry: str | int, store: str) -> None:
    with pytest.raises(Sealed):
        CARRIES.open({"sealed": carry}, store)


def test_the_judge_reads_what_is_sealed_and_counts_what_it_cannot() -> None:
    lines = cases.scene(13, 20, to=("c-2",))
    shown = json.loads(lines[0])
    shown["carry"] = {"sealed": sealed(json.dumps(shown["carry"]).encode())}
    journal = [json.dumps(shown).encode(), *lines[1:]]

    def judged(known: dict[str, bytes]) -> tuple[int, int]:
        said = judge(cases.SHELF, cases.SCREENS, [journal], start=cases.START, seconds=60.0, keys=known)
        return said.wrong_person, said.unreadable

    assert judged({"ginza": KEY}) == (1, 0)
    assert judged({"ginza": bytes(32)}) == (0, 1)
    assert judged({}) == (0, 1)


def test_the_page_reads_what_is_sealed(tmp_path: Path) -> None:
    line = json.loads(cases.scene(13, None)[0]) | {"carry": {"sealed": sealed()}}
    journal = tmp_path / "journal.jsonl"
    journal.write_text(json.dumps(line) + "\n")
    tail, blind = Tail(journal, "ginza", CARRIES), Tail(journal, "ginza")
    assert (tail.look(), blind.look()) == (True, True)
    assert tail.last is not None
    assert (tail.last.people, tail.last.level) == (1, 2)
    assert (blind.last, blind.unreadable) == (None, 1)
