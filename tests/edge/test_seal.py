"""What is sealed is opened only as it was, where it was, with the key it was sealed with."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import Broken, EdgeError, Locked
from edge.seal import FILE, OVER, Seal, about, open_carry, seal_carry, sealing_key

KEY = bytes(range(32))
CARRY: dict[str, str | int | list[str]] = {"customers": ["c1"], "level": 2}


@given(data=st.binary(max_size=300), words=st.lists(st.text(max_size=9), min_size=1, max_size=4))
def test_what_is_sealed_comes_back(data: bytes, words: list[str]) -> None:
    sealed = Seal(KEY).seal(data, about(*words))
    assert len(sealed) == len(data) + OVER
    assert Seal(KEY).open(sealed, about(*words)) == data


def test_the_same_is_never_sealed_to_the_same() -> None:
    assert len({Seal(KEY).seal(b"{}", b"a") for _ in range(100)}) == 100


@given(place=st.integers(0, 8 * (OVER + 5) - 1))
def test_one_bit_that_was_changed_is_seen(place: int) -> None:
    sealed = bytearray(Seal(KEY).seal(b"[1,2]", b"a"))
    sealed[place // 8] ^= 1 << place % 8
    with pytest.raises(Broken):
        Seal(KEY).open(bytes(sealed), b"a")


@pytest.mark.parametrize("sealed", [b"", b"\1", b"\1" * (OVER - 1), b"\2" * 99, b"[]", b"\0{}"])
def test_what_we_never_sealed_is_not_opened(sealed: bytes) -> None:
    with pytest.raises(Broken):
        Seal(KEY).open(sealed, b"a")


def test_another_place_and_another_key_open_nothing() -> None:
    sealed = Seal(KEY).seal(b"{}", about("event", "e1", 7))
    for seal, its in ((Seal(KEY), about("event", "e1", 8)), (Seal(KEY[::-1]), about("event", "e1", 7))):
        with pytest.raises(Broken):
            seal.open(sealed, its)


def test_without_a_key_only_what_was_never_sealed_is_read() -> None:
    seal = Seal()
    unlocked: list[bool] = []
    seal.on_unlock.append(lambda: unlocked.append(seal.locked))
    assert seal.open(b'{"a":1}', b"x") == b'{"a":1}'
    with pytest.raises(Locked):
        seal.seal(b"{}", b"x")
    with pytest.raises(Locked):
        seal.open(Seal(KEY).seal(b"{}", b"x"), b"x")
    with pytest.raises(EdgeError, match="31 bytes"):
        seal.unlock(KEY[1:])
    assert seal.locked
    seal.unlock(KEY)
    seal.unlock(KEY)
    assert unlocked == [False]
    assert seal.open(Seal(KEY).seal(b"[]", b"x"), b"x") == b"[]"


def test_what_a_player_keeps_says_nothing_and_comes_back() -> None:
    sealed = seal_carry(Seal(KEY), CARRY, "ginza")
    assert list(sealed) == ["sealed"]
    assert "customers" not in str(sealed)
    assert open_carry(Seal(KEY), sealed, "ginza") == CARRY
    assert seal_carry(Seal(), CARRY, "ginza") == CARRY
    assert open_carry(Seal(), CARRY, "ginza") == CARRY
    with pytest.raises(Locked):
        open_carry(Seal(), sealed, "ginza")


@pytest.mark.parametrize("sealed", ["", "no base64 !", "AAAA", "e30=e", "eyJhIjpudWxsfQ=="])
def test_what_a_player_makes_up_is_not_believed(sealed: str) -> None:
    with pytest.raises(Broken):
        open_carry(Seal(KEY), {"sealed": sealed}, "ginza")


def test_a_key_on_the_disk_is_made_once_and_its_owners(tmp_path: Path) -> None:
    folder = tmp_path / "edge"
    key = sealing_key("disk", folder)
    assert key is not None
    assert len(key) == 32
    assert sealing_key("disk", folder) == key
    assert [file.name for file in folder.iterdir()] == [FILE]
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / FILE)] == [0o700, 0o600]
    (folder / FILE).write_bytes(b"short")
    with pytest.raises(EdgeError, match="has 5 bytes"):
        sealing_key("disk", folder)


def test_a_key_from_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(EdgeError, match="noren-sealing is missing"):
        sealing_key("credential", tmp_path)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(EdgeError, match="cannot be read"):
        sealing_key("credential", tmp_path)
    (tmp_path / "noren-sealing").write_bytes(KEY)
    key = sealing_key("credential", tmp_path)
    assert key is not None
    assert (len(key), key != KEY) == (32, True)
    (tmp_path / "noren-sealing").write_bytes(KEY[:-1])
    with pytest.raises(EdgeError, match="shorter than 32"):
        sealing_key("credential", tmp_path)


ROWS = "f8dbc7b0 a4fcfb1d 706e298a c9d0485c 2226ce8d f7f7596a c77337bd 09fbe160"


@pytest.mark.parametrize(
    ("rows", "said"),
    [(ROWS, ""), ("00000000 " * 8, "holds no private key"), (ROWS[:30], "holds no private key"), ("", "holds no")],
)
def test_a_key_from_a_boards_one_time_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: str, said: str
) -> None:
    tool = tmp_path / "vcmailbox"
    answer = "0x00000040 0x80000000 0x00030081 0x00000028 0x80000028 0x00000000 0x00000008 "
    answer += " ".join(f"0x{row}" for row in rows.split())
    tool.write_text(f'#!/bin/sh\n[ "$1 $2 $5" = "0x00030081 40 8" ] && echo "{answer} 0x00000000"\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    if said:
        with pytest.raises(EdgeError, match=said):
            sealing_key("otp", tmp_path)
    else:
        key = sealing_key("otp", tmp_path)
        assert key is not None
        assert (len(key), key != bytes.fromhex(rows.replace(" ", ""))) == (32, True)


def test_a_machine_without_such_a_memory_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EdgeError, match="one-time memory cannot be read"):
        sealing_key("otp", tmp_path)


def test_central_releases_its_key_itself(tmp_path: Path) -> None:
    assert sealing_key("central", tmp_path) is None
