"""Member codes from their making to the stores: who signs, when they are good, whose they are, how apps get them."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import zxingcpp
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from httpx import ASGITransport, AsyncClient, BasicAuth
from pygame import image, surfarray
from sqlalchemy import Engine, select

from central import api, codes, config, consent, profiles, sources
from central.agents import Desk, Reach
from central.cli import main
from central.codes import Issued
from central.contract import feeds, member_code, signed_code
from central.contract.feeds import Codes, Token
from central.contract.member_code import CARDS, Card
from central.contract.signed_code import SignedCode
from central.errors import CentralError, Unknown
from central.feeds.projector import Projector, project
from central.keys import Keys
from central.profiles import Customer
from central.storage import tables
from central.storage.database import reading, writing

KEY = bytes(range(32))
NOW = datetime(2026, 11, 24, 3, 0, 7, 654321, tzinfo=UTC)
FIRST = NOW.replace(microsecond=0)
END = datetime(2106, 2, 7, 6, 28, 15, tzinfo=UTC)
"""The last second that a code can say."""
CARD = "2900000000016"
HANA = Customer(customer="c-1", home="ginza", visited=("ueno",), tokens=(("code", CARD), ("beacon", "ibeacon:a:1:2")))
MINUTE = timedelta(minutes=1)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys.open(tmp_path / "keys", NOW)


@pytest.fixture(autouse=True)
def members(engine: Engine) -> None:
    with writing(engine) as connection:
        profiles.save(connection, [HANA, Customer(customer="c-2", home="ginza")])


def issue(
    engine: Engine, keys: Keys, who: str = "c-1", at: datetime = NOW, count: int = 1, good_for: timedelta = MINUTE
) -> tuple[Issued, ...]:
    with writing(engine) as connection:
        return codes.issue(connection, keys, who, at, count, good_for)


def read(issued: Issued) -> SignedCode:
    found = signed_code.read(issued.code.encode())
    assert found is not None
    return found


def verified(code: SignedCode, believed: Codes) -> bool:
    """As a store would: by the certificate in the feed that has the code's key."""
    for pem in believed.keys:
        public = x509.load_pem_x509_certificate(pem.encode()).public_key()
        assert isinstance(public, Ed25519PublicKey)
        if signed_code.key_id(public.public_bytes_raw()) == code.key:
            try:
                public.verify(code.signature, code.signed)
            except InvalidSignature:
                return False
            return True
    return False


def feed(engine: Engine, name: str = "codes") -> dict[tuple[str, str], Any]:
    """Live rows by scope and key."""
    with reading(engine) as connection:
        found = connection.execute(select(tables.feed_row).where(tables.feed_row.c.feed == name)).all()
        return {(row.scope, row.key): feeds.read(name, row.body.encode()) for row in found if row.body}


def run(engine: Engine) -> None:
    with writing(engine) as connection:
        project(connection, KEY, NOW)


def test_a_code_says_an_id_a_time_and_nothing_of_the_member_and_its_signature_is_the_chains(
    engine: Engine, keys: Keys
) -> None:
    [issued] = issue(engine, keys)
    code = read(issued)
    assert (len(issued.code), issued.code.isdecimal()) == (signed_code.DIGITS, True)
    assert (code.made, code.until) == (issued.start, issued.until) == (FIRST, FIRST + MINUTE)
    assert code.member not in (HANA.customer, CARD)
    assert verified(code, codes.of_chain(keys, CARDS, NOW))
    with reading(engine) as connection:
        assert codes.member_of(connection, [code.member, "0" * 12]) == {code.member: "c-1"}
        assert codes.ids(connection, ["c-1", "c-2"]) == {"c-1": code.member}


def test_any_other_digit_is_no_code_of_the_chain(engine: Engine, keys: Keys) -> None:
    [issued] = issue(engine, keys)
    believed = codes.of_chain(keys, CARDS, NOW)
    for place in range(0, signed_code.DIGITS, 5):
        other = str((int(issued.code[place]) + 1) % 10)
        code = signed_code.read((issued.code[:place] + other + issued.code[place + 1 :]).encode())
        assert code is None or not verified(code, believed), place


def test_a_code_of_another_chain_is_none_of_ours(engine: Engine, keys: Keys, tmp_path: Path) -> None:
    [issued] = issue(engine, Keys.open(tmp_path / "others", NOW))
    assert not verified(read(issued), codes.of_chain(keys, CARDS, NOW))


def test_in_one_second_a_member_has_one_code_and_nobody_else_has_it(engine: Engine, keys: Keys) -> None:
    [first], [again] = issue(engine, keys), issue(engine, keys, at=FIRST + timedelta(microseconds=999_999))
    assert first == again
    others = [issue(engine, keys, "c-2"), issue(engine, keys, at=NOW + timedelta(seconds=1))]
    assert first.code not in [one.code for [one] in others]


@pytest.mark.parametrize("seconds", [15, 60, 240])
def test_codes_ahead_follow_one_another_without_a_gap_and_each_waits_for_its_time(
    engine: Engine, keys: Keys, seconds: int
) -> None:
    issued = issue(engine, keys, count=codes.MOST, good_for=timedelta(seconds=seconds))
    assert (len(issued), len({one.code for one in issued})) == (20, 20)
    believed = codes.of_chain(keys, CARDS, NOW)
    for before, after in pairwise(issued):
        assert before.start < after.start < before.until < after.until
        assert before.until - after.start < timedelta(seconds=15), "who sees one has not the next"
    for one in issued:
        code = read(one)
        assert (code.made, code.until) == (one.start, one.until)
        assert one.until - one.start == timedelta(seconds=seconds)
        assert verified(code, believed)
    assert issued[1].start > NOW, "a code for later is not good yet"
    assert issue(engine, keys, good_for=timedelta(seconds=seconds)) == issued[:1]


def test_at_the_end_of_its_clock_a_code_is_made_or_it_is_said_why_not(engine: Engine, tmp_path: Path) -> None:
    keys = Keys.open(tmp_path / "later", END - timedelta(days=1))
    [last] = issue(engine, keys, at=END)
    assert (read(last).made, read(last).until) == (END, END + MINUTE)
    for at, count in ((END, 2), (END + timedelta(seconds=1), 1), (datetime(1969, 12, 31, tzinfo=UTC), 1)):
        with pytest.raises(CentralError, match="Set central's clock"):
            issue(engine, keys, at=at, count=count)
    assert read(issue(engine, keys, at=datetime(1970, 1, 1, tzinfo=UTC))[0]).made.year == 1970


def test_nobody_unknown_gets_a_code_or_an_id(engine: Engine, keys: Keys) -> None:
    for ask in (codes.renew, lambda connection, who: codes.issue(connection, keys, who, NOW)):
        with pytest.raises(Unknown, match="no customer c-9"), writing(engine) as connection:
            ask(connection, "c-9")
    with reading(engine) as connection:
        assert connection.execute(select(tables.member_id)).all() == []


def test_two_who_ask_for_the_first_code_at_once_get_one_id(engine: Engine, keys: Keys) -> None:
    with ThreadPoolExecutor(4) as pool:
        issued = set(pool.map(lambda _: issue(engine, keys)[0].code, range(8)))
    assert len(issued) == 1


def test_an_id_can_never_be_a_cards_number(engine: Engine) -> None:
    with writing(engine) as connection:
        seen = set()
        for _ in range(1000):
            codes.renew(connection, "c-1")
            seen |= set(codes.ids(connection, ["c-1"]).values())
    assert len(seen) == 1000
    assert not [one for one in seen if one.isdecimal() or len(one) != 12]


def test_what_is_told_anew_of_a_member_leaves_the_id_and_who_is_erased_leaves_none(engine: Engine, keys: Keys) -> None:
    before = read(issue(engine, keys)[0]).member
    with writing(engine) as connection:
        profiles.save(connection, [replace(HANA, points=7, tokens=())])
    assert read(issue(engine, keys)[0]).member == before
    with writing(engine) as connection:
        connection.execute(tables.customer.delete().where(tables.customer.c.customer == "c-1"))
        assert codes.member_of(connection, [before]) == {}


def test_stores_know_whose_a_code_is_only_by_consent_and_the_register_gets_the_cards_number(
    engine: Engine, keys: Keys
) -> None:
    member = read(issue(engine, keys)[0]).member
    run(engine)
    assert feed(engine, "tokens") == {}, "a code was made, and nothing was agreed to"
    hashes = {
        (store, member_code.token(member_code.store_key(KEY, store), "code", member)) for store in ("ginza", "ueno")
    }
    for purposes, there in ((["presence"], False), (["signage"], True)):
        with writing(engine) as connection:
            consent.give(connection, "c-1", purposes, NOW)
        run(engine)
        rows = feed(engine, "tokens")
        assert (hashes <= rows.keys()) == there
    assert {rows[place] for place in hashes} == {Token(customer="c-1", means="code", number=CARD)}
    assert {row.number for place, row in rows.items() if place not in hashes} == {""}
    with writing(engine) as connection:
        consent.withdraw(connection, "c-1", ["signage"], NOW)
    run(engine)
    assert not hashes & feed(engine, "tokens").keys()


@pytest.mark.parametrize(
    ("tokens", "number"),
    [
        ((), ""),
        ((("beacon", "ibeacon:a:1:2"),), ""),
        ((("code", "2900000000023"), ("code", CARD)), CARD),
        ((("code", "1" * 33), ("code", "2" * 32)), "2" * 32),
    ],
)
def test_a_member_without_a_card_has_no_number(
    engine: Engine, keys: Keys, tokens: tuple[tuple[Any, str], ...], number: str
) -> None:
    with writing(engine) as connection:
        profiles.save(connection, [replace(HANA, tokens=tokens, visited=())])
        consent.give(connection, "c-1", ["signage"], NOW)
    member = read(issue(engine, keys)[0]).member
    run(engine)
    place = ("ginza", member_code.token(member_code.store_key(KEY, "ginza"), "code", member))
    assert feed(engine, "tokens")[place].number == number


def test_a_stolen_phones_codes_are_nobodys_after_the_id_was_renewed(engine: Engine, keys: Keys) -> None:
    with writing(engine) as connection:
        consent.give(connection, "c-1", ["signage"], NOW)
    stolen = [read(one).member for one in issue(engine, keys, count=20)]
    run(engine)
    before = feed(engine, "tokens").keys()
    with writing(engine) as connection:
        codes.renew(connection, "c-1")
    run(engine)
    mine = read(issue(engine, keys)[0]).member
    with reading(engine) as connection:
        assert codes.member_of(connection, [*stolen, mine]) == {mine: "c-1"}
    after = feed(engine, "tokens").keys()
    assert (len(before - after), len(after - before)) == (2, 2), "in each store one goes and one comes"


class Chain:
    """A projector as central runs it, whose cards, keys and time a test changes."""

    def __init__(self, engine: Engine, keys: Keys) -> None:
        self.engine, self.keys = engine, keys
        self.at, self.cards = NOW, CARDS
        self.started()

    def started(self) -> None:
        self.projector = Projector(self.engine, KEY, lambda *_: None, lambda: self.at, codes=self.now)

    def now(self) -> Codes:
        return codes.of_chain(self.keys, self.cards, self.at)

    def step(self) -> tuple[Codes, int]:
        """The one row of the feed, and its version."""
        self.projector.step()
        [(place, row)] = feed(self.engine).items()
        assert place == ("chain", "codes")
        where = (tables.head.c.scope == "chain", tables.head.c.feed == "codes")
        with reading(self.engine) as connection:
            return row, connection.scalar(select(tables.head.c.head).where(*where)) or 0


def test_the_feed_follows_the_keys_and_the_cards_and_nothing_else(engine: Engine, keys: Keys, tmp_path: Path) -> None:
    chain = Chain(engine, keys)
    [first] = keys.of("codes", NOW)
    assert chain.step() == (Codes(cards=CARDS, keys=(first.pem,)), 1)
    chain.at += timedelta(days=2)
    assert chain.step()[1] == 1, "a day that changes nothing makes no version"
    second = Keys.open(tmp_path / "keys", chain.at).rotate("codes", chain.at)  # A command beside us.
    assert chain.step() == (Codes(cards=CARDS, keys=(first.pem, second.pem)), 2)
    chain.cards = (Card(prefix="HANA-", length=12),)
    chain.started()
    assert chain.step() == (Codes(cards=chain.cards, keys=(first.pem, second.pem)), 3)
    (tmp_path / "keys" / f"codes-{first.id}.pem").unlink()
    assert chain.step() == (Codes(cards=chain.cards, keys=(second.pem,)), 4)
    chain.at = second.until
    assert chain.step() == (Codes(cards=chain.cards, keys=()), 5)


def test_while_the_keys_cannot_be_read_a_withdrawal_reaches_the_stores(
    engine: Engine, keys: Keys, tmp_path: Path
) -> None:
    with writing(engine) as connection:
        consent.give(connection, "c-1", ["signage"], NOW)
    chain = Chain(engine, keys)
    chain.step()
    assert feed(engine, "profiles")
    with writing(engine) as connection:
        consent.withdraw(connection, "c-1", ["signage"], NOW)
    keys.rotate("codes", NOW + timedelta(days=1))
    broken = tmp_path / "keys" / "codes-broken.pem"
    broken.write_text("junk")
    assert chain.step()[1] == 1
    assert not feed(engine, "profiles")
    broken.unlink()
    assert chain.step()[1] == 2


def test_a_feed_holds_no_private_part(engine: Engine, keys: Keys) -> None:
    [row] = Chain(engine, keys).step()[0].keys
    assert (row.count("BEGIN"), row.count("BEGIN CERTIFICATE")) == (1, 1)


@pytest.fixture
def key(engine: Engine) -> str:
    with writing(engine) as connection:
        return sources.make_key(connection, "app", ["codes"], NOW)


@pytest_asyncio.fixture
async def client(engine: Engine, keys: Keys, key: str, tmp_path: Path) -> AsyncIterator[AsyncClient]:
    desk = Desk(keys=keys, reach=Reach(brokers=(), assets="", ca=""), chain_key=KEY)
    application = api.build(engine, tmp_path, dict, lambda: NOW, lambda: None, desk, timedelta(seconds=45))
    async with AsyncClient(transport=ASGITransport(app=application), base_url="http://central") as made:
        made.auth = BasicAuth(key, "")
        yield made


async def test_an_app_asks_for_a_code(client: AsyncClient, engine: Engine, keys: Keys) -> None:
    answer = await client.post("/v1/codes", json={"userId": "c-1"})
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    [issued] = issue(engine, keys, good_for=timedelta(seconds=45))
    assert answer.json() == {
        "codes": [{"code": issued.code, "from": "2026-11-24T03:00:07Z", "until": "2026-11-24T03:00:52Z"}]
    }


def seen(svg: str, pixels: int) -> list[zxingcpp.Barcode]:
    """What a camera reads of it on a black page."""
    drawn = image.load_sized_svg(io.BytesIO(svg.encode()), (pixels, pixels))
    grey = surfarray.array3d(drawn).mean(axis=2).astype("uint8").T.copy()
    assert grey[0, 0] == 255, "light lies under it, with its quiet zone"
    return list(zxingcpp.read_barcodes(grey))


async def test_a_phone_that_will_be_offline_gets_twenty_with_their_symbols(client: AsyncClient) -> None:
    answer = await client.post("/v1/codes", json={"userId": "c-1", "count": 20, "symbol": "svg"})
    assert (answer.status_code, len(answer.json()["codes"])) == (200, 20)
    for one in answer.json()["codes"]:
        [found] = seen(one["svg"], 450)
        assert (found.format, found.text) == (zxingcpp.BarcodeFormat.QRCode, one["code"])
        assert 'viewBox="0 0 41 41"' in one["svg"], "33 modules, and 4 on each side"


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({}, "userId"),
        ({"userId": None}, "userId"),
        ({"userId": "C 1"}, "userId"),
        ({"userId": "c-1", "count": 0}, "count"),
        ({"userId": "c-1", "count": 21}, "count"),
        ({"userId": "c-1", "count": 1.5}, "count"),
        ({"userId": "c-1", "symbol": "png"}, "symbol"),
        ({"userId": "c-1", "seconds": 3600}, "seconds"),
    ],
)
async def test_a_wish_that_cannot_be_names_its_field(client: AsyncClient, wish: dict[str, Any], field: str) -> None:
    answer = await client.post("/v1/codes", json=wish)
    assert (answer.status_code, answer.json()["field"]) == (400, field)


@pytest.mark.parametrize("path", ["/v1/codes", "/v1/codes/renew"])
async def test_who_is_unknown_and_who_has_no_key_get_nothing(client: AsyncClient, path: str, key: str) -> None:
    answer = await client.post(path, json={"userId": "c-9"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    for body in ({"userId": "c-1"}, {"userId": "c-1", "writeKey": key}):
        assert (await client.post(path, json=body, auth=lambda request: request)).status_code == 401


async def test_an_app_has_a_members_codes_count_no_more(client: AsyncClient, engine: Engine) -> None:
    async def member() -> str:
        said = (await client.post("/v1/codes", json={"userId": "c-1"})).json()["codes"][0]
        code = signed_code.read(said["code"].encode())
        assert code is not None
        return code.member

    before = await member()
    answer = await client.post("/v1/codes/renew", json={"userId": "c-1"})
    assert (answer.status_code, answer.content) == (200, b'{"success":true}')
    assert await member() != before
    with reading(engine) as connection:
        assert codes.member_of(connection, [before]) == {}


async def test_without_usable_keys_an_app_is_told_to_come_again(client: AsyncClient, tmp_path: Path) -> None:
    broken = tmp_path / "keys" / "codes-broken.pem"
    broken.write_text("junk")
    answer = await client.post("/v1/codes", json={"userId": "c-1"})
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "away", "1")
    assert "codes-broken" not in answer.text
    broken.unlink()
    assert (await client.post("/v1/codes", json={"userId": "c-1"})).status_code == 200


@pytest.fixture
def file(tmp_path: Path, engine: Engine) -> Path:
    made = tmp_path / "c.yaml"
    made.write_text(
        f'central: {{folder: {tmp_path}, key: "{"0" * 64}", database: "{engine.url}", codes: {{seconds: 30}}}}\n'
    )
    return made


def lines(capsys: pytest.CaptureFixture[str]) -> list[Any]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_command_prints_codes_and_draws_the_first(
    file: Path, engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = tmp_path / "code.svg"
    assert main(["member-code", str(file), "c-1", "--count", "3", "--svg", str(drawn)]) == 0
    said = lines(capsys)
    assert [set(one) for one in said] == [{"code", "from", "until"}] * 3
    assert [found.text for found in seen(drawn.read_text(), 225)] == [said[0]["code"]]
    code = signed_code.read(said[0]["code"].encode())
    assert code is not None
    assert code.until - code.made == timedelta(seconds=30)
    keys = Keys.open(config.read(file).keys, NOW)
    assert verified(code, codes.of_chain(keys, CARDS, code.made))
    assert main(["renew-code", str(file), "c-1"]) == 0
    with reading(engine) as connection:
        assert codes.member_of(connection, [code.member]) == {}


@pytest.mark.parametrize("command", ["member-code", "renew-code"])
def test_the_commands_say_who_is_not_there(file: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert main([command, str(file), "c-9"]) == 1
    assert "no customer c-9" in capsys.readouterr().err


@pytest.mark.parametrize("count", ["0", "21", "x"])
def test_the_command_makes_no_more_than_an_app_gets(file: Path, capsys: pytest.CaptureFixture[str], count: str) -> None:
    with pytest.raises(SystemExit):
        main(["member-code", str(file), "c-1", "--count", count])
    assert "--count" in capsys.readouterr().err
