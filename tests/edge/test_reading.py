"""One code from the reader to the screen, the register, central and the outbox, through the real stores."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from chain_keys import now
from edge_store import KEY, NUMBER, SHELF, Later, Store, store
from edge_wire import turn, until
from signed_codes import MEMBER, Chain

from central.contract import feeds, member_code
from central.contract.asks import Ask, Told
from central.contract.codec import pack
from edge.asking import LATE, PATIENCE
from edge.config import SensorConfig, SimulatedCamera
from edge.director import ADVICE, SAYS, SAYS_AGAIN
from edge.reading import GUESSED_IN, GUESSES, HANDED_WITHIN, ONE_ACT
from ground.programme import records
from signage.contract import Clear, Show

JAN = "4901234567894"


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    return Chain(tmp_path_factory.mktemp("keys"))


@asynccontextmanager
async def linked(
    path: Path, chain: Chain, *, connected: bool = True, sensors: tuple[SensorConfig, ...] = ()
) -> AsyncIterator[Store]:
    """A store that has caught up, with central at the other end."""
    async with store(path, sensors=sensors) as here:
        here.keyring.use(chain.row(), chain.trust)
        here.wire.connected = connected
        yield here


async def known(here: Store, *purposes: str, value: str = MEMBER, number: str = "77001") -> None:
    """The member of this code comes down, tokens first."""
    token = feeds.Token(customer="c1", means="code", number=number)
    await here.feed("tokens", {member_code.token(bytes.fromhex(KEY), "code", value): token})
    profile = feeds.Profile(customer="c1", purposes=purposes or ("signage",), nickname="はな", points=77)
    await here.feed("profiles", {"c1": profile})


def asked(here: Store) -> Ask:
    [ask] = here.wire.take("ask", Ask)
    return ask


async def tell(here: Store, ask: Ask, **said: Any) -> None:
    await here.asking.on_told(pack(Told(ask=ask.ask, **said)))


def words(show: Show) -> tuple[str, str, str]:
    return show.scene.title, show.scene.text, show.chime


THANKS = "ご来店ありがとうございます"
READING = ("会員証を確認しています", "少々お待ちください", "read")
READ = (THANKS, "会員証を確認しました")
STAFF = (THANKS, "会員証についてはスタッフにおたずねください", "unknown")
EXPIRED = ("会員証の表示が古くなっています", "更新してから、もう一度かざしてください", "expired")
USED = ("この会員証の表示は、すでに使われています", "更新してから、もう一度かざしてください", "wrong")
WRONG = ("この会員証はご利用いただけません", "スタッフにおたずねください", "wrong")


async def test_a_known_members_signed_code_greets_at_once_and_is_claimed_at_central(
    chain: Chain, tmp_path: Path
) -> None:
    async with linked(tmp_path, chain) as here:
        await known(here)
        show = await here.shown(chain.code())
        assert ("はな" in show.scene.title, show.chime, show.carry["level"]) == (True, "read", 2)
        ask = asked(here)
        assert (ask.value, ask.reader) == (None, "cam")
        assert ask.code is not None
        await tell(here, ask)
        [(_, scan)] = await here.events(1)
        assert (scan.outcome, scan.customer, scan.how, scan.code, scan.timed) == (
            "member", "c1", "signed", ask.code, True,
        )  # fmt: skip
        assert not here.till.sent


async def test_a_replay_in_two_stores_takes_the_greeting_back_and_is_refused_from_then_on(
    chain: Chain, tmp_path: Path
) -> None:
    async with linked(tmp_path, chain) as here:
        await known(here)
        content = chain.code()
        assert "はな" in (await here.shown(content)).scene.title
        await tell(here, asked(here), used=True)
        taken = await here.till.next(Show)
        assert words(taken) == USED
        assert (taken.carry, taken.trigger_ns) == ({"customers": [], "level": 0}, 0)
        assert words(await here.shown(content)) == USED
        assert not here.wire.sent, "what is refused is not asked about"
        [(_, first), (_, second)] = await here.events(2)
        assert (first.outcome, second.outcome, second.customer) == ("member", "used", None)
        assert here.reading.counts["codes_used"] == 2


async def test_a_replay_at_two_checkouts_is_refused_without_central(chain: Chain, tmp_path: Path) -> None:
    async with linked(tmp_path, chain, connected=False) as here:
        await known(here)
        content = chain.code()
        here.code(content, "one", SHELF)
        assert "はな" in (await here.shelf.next(Show)).scene.title
        assert words(await here.shown(content, "two")) == USED
        assert [body.outcome for _, body in await here.events(2)] == ["member", "used"]
        assert [number for *_, number in here.register] == ["77001"]


async def test_a_camera_and_a_scanner_of_one_checkout_read_the_same_act(
    chain: Chain, tmp_path: Path, later: Later
) -> None:
    async with linked(tmp_path, chain) as here:
        await known(here)
        content = chain.code()
        assert "はな" in (await here.shown(content)).scene.title
        await later(ONE_ACT - 0.1)
        here.till.sent.clear()
        here.code(content, "scanner", question="q1")
        assert "はな" in (await here.till.next(Show)).scene.title
        assert [ask.reader for ask in here.wire.take("ask", Ask)] == ["cam", "cam"], (
            "or central would refuse the second"
        )
        assert [(scan.question, number) for scan, _, number in here.register] == [("", "77001"), ("q1", "77001")]
        assert [body.reader for _, body in await here.events(2)] == ["cam", "cam"]
        await later(ONE_ACT + 0.1)
        assert words(await here.shown(content, "scanner")) == USED


async def test_another_code_at_another_reader_is_another_act(chain: Chain, tmp_path: Path) -> None:
    async with linked(tmp_path, chain) as here:
        await here.shown(chain.code())
        await here.shown(chain.code("ba9876543210"), "scanner")
        assert [ask.reader for ask in here.wire.take("ask", Ask)] == ["cam", "scanner"]


async def test_who_is_not_known_here_is_read_at_once_and_greeted_when_central_has_sent_them(
    chain: Chain, tmp_path: Path, later: Later
) -> None:
    async with linked(tmp_path, chain) as here:
        show = await here.shown(chain.code())
        assert words(show) == READING
        assert show.trigger_ns > 0
        ask = asked(here)
        assert ask.value == MEMBER
        await tell(here, ask, who="coming", number="77001")
        assert [(ours, number) for _, ours, number in here.register] == [(True, "77001")]
        assert not here.till.sent
        await known(here)
        greeting = await here.till.next(Show)
        assert ("はな" in greeting.scene.title, greeting.chime, greeting.carry["level"]) == (True, "none", 2)
        await later(PATIENCE)
        assert not here.till.sent
        [(_, scan)] = await here.events(1)
        assert (scan.outcome, scan.customer) == ("member", "c1")
        assert len(here.register) == 1


async def test_who_shows_a_copy_is_not_greeted_by_the_name_that_comes_later(chain: Chain, tmp_path: Path) -> None:
    async with linked(tmp_path, chain) as here:
        assert words(await here.shown(chain.code())) == READING
        await tell(here, asked(here), who="coming", used=True, number="77001")
        assert words(await here.till.next(Show)) == USED
        await known(here)
        assert not here.till.sent
        assert not here.register
        [(_, scan)] = await here.events(1)
        assert (scan.outcome, scan.customer) == ("used", None)


async def test_whose_consent_is_unconfirmed_by_then_is_not_known_by_rows_that_come(
    chain: Chain, tmp_path: Path, later: Later
) -> None:
    async with linked(tmp_path, chain) as here:
        assert words(await here.shown(chain.code())) == READING
        here.known = False
        await known(here)
        await later(PATIENCE)
        assert words(await here.till.next(Show)) == (*READ, "none")
        [(_, scan)] = await here.events(1)
        assert (scan.outcome, scan.customer) == ("unknown", None)


async def test_after_300_ms_they_are_greeted_without_a_name_and_a_late_word_still_betters_it(
    chain: Chain, tmp_path: Path, still: Later
) -> None:
    async with linked(tmp_path, chain) as here:
        here.code(chain.code())
        await turn()
        assert words(here.till.sent.pop()) == READING  # type: ignore[arg-type]  # It is a Show.
        await still(PATIENCE - 0.01)
        assert not here.till.sent
        await still(0.02)
        show = here.till.sent.pop()
        assert isinstance(show, Show)
        assert words(show) == (*READ, "none")
        await still(1.0)
        await tell(here, asked(here), who="coming")
        await known(here)
        show = here.till.sent.pop()
        assert isinstance(show, Show)
        assert "はな" in show.scene.title
        [(_, scan)] = await here.events(1)
        assert (scan.outcome, scan.customer) == ("unknown", None)


async def test_what_comes_when_nothing_stands_any_more_changes_no_screen(
    chain: Chain, tmp_path: Path, still: Later
) -> None:
    async with linked(tmp_path, chain) as here:
        here.code(chain.code())
        await turn()
        await still(PATIENCE)
        await still(LATE)
        await still(0.3)
        here.till.sent.clear()
        await tell(here, asked(here), who="coming")
        await known(here)
        assert not here.till.sent
        assert not here.reading._open


async def test_who_did_not_agree_is_told_to_the_register_only(chain: Chain, tmp_path: Path) -> None:
    async with linked(tmp_path, chain) as here:
        assert words(await here.shown(chain.code())) == READING
        await tell(here, asked(here), who="unknown", number="77001")
        assert words(await here.till.next(Show)) == (*READ, "none")
        assert [(scan.question, ours, number) for scan, ours, number in here.register] == [("", True, "77001")]
        [(_, scan)] = await here.events(1)
        assert (scan.outcome, scan.customer) == ("unknown", None)


async def test_who_agreed_to_no_screen_is_told_that_it_was_read(chain: Chain, tmp_path: Path) -> None:
    async with linked(tmp_path, chain) as here:
        await known(here, "presence")
        assert words(await here.shown(chain.code())) == (*READ, "read")


async def test_without_central_the_answer_comes_at_once(chain: Chain, tmp_path: Path) -> None:
    async with linked(tmp_path, chain, connected=False) as here:
        assert words(await here.shown(chain.code())) == (*READ, "read")
        assert words(await here.shown(NUMBER.encode())) == STAFF
        assert [body.outcome for _, body in await here.events(2)] == ["unknown", "unknown"]


async def test_a_card_that_central_does_not_know_either(chain: Chain, tmp_path: Path) -> None:
    async with linked(tmp_path, chain) as here:
        assert words(await here.shown(NUMBER.encode())) == READING
        ask = asked(here)
        assert (ask.value, ask.code) == (NUMBER, None)
        await tell(here, ask, who="unknown")
        assert words(await here.till.next(Show)) == STAFF
        assert not here.register


async def test_a_card_that_is_coming_goes_to_the_register_where_a_camera_read_it(chain: Chain, tmp_path: Path) -> None:
    async with linked(tmp_path, chain) as here:
        for question in ("", "q1"):
            here.register.clear()
            here.code(NUMBER, question=question)
            await until(lambda: here.wire.sent)
            await tell(here, asked(here), who="coming")
            await known(here, value=NUMBER, number="")
            handed = [(ours, number) for _, ours, number in here.register]
            assert handed == ([(False, None)] if question else [(True, NUMBER)]), "a scanner's is there already"
            await here.feed("tokens", {member_code.token(bytes.fromhex(KEY), "code", NUMBER): None})


async def test_the_register_is_answered_at_once_for_everything_that_it_asks(chain: Chain, tmp_path: Path) -> None:
    async with linked(tmp_path, chain) as here:
        await known(here)
        stranger = Chain(tmp_path / "other").code()
        old = chain.code(made=now() - timedelta(hours=1))
        for content, said in (
            (chain.code(), (True, "77001")),
            (old, (True, None)),
            (stranger, (True, None)),
            (NUMBER.encode(), (False, None)),
            (JAN.encode(), (False, None)),
            (b"https://elsewhere.example/", (False, None)),
            (b"\xff\x00", (False, None)),
            (b"", (False, None)),
        ):
            here.register.clear()
            here.code(content, question="q1")
            await turn()
            [(scan, *answer)] = here.register
            assert (scan.question, tuple(answer)) == ("q1", said), content
        await known(here, value=NUMBER, number="")
        here.register.clear()
        here.code(NUMBER, question="q2")
        await turn()
        [(_, *answer)] = here.register
        assert tuple(answer) == (True, NUMBER)


async def test_a_shared_screenshot_and_a_forged_code_are_said_to_be_old_and_wrong(chain: Chain, tmp_path: Path) -> None:
    async with linked(tmp_path, chain) as here:
        await known(here)
        show = await here.shown(chain.code(made=now() - timedelta(minutes=2)))
        assert (words(show), show.scene.hold_ms) == (EXPIRED, ADVICE * 1000)
        assert words(await here.shown(Chain(tmp_path / "other").code())) == WRONG
        [(_, old), (_, wrong)] = await here.events(2)
        assert (old.outcome, wrong.outcome, old.customer, wrong.code) == ("expired", "wrong", None, None)
        assert not here.wire.sent


async def test_a_stolen_phone_shows_nobodys_codes_once_its_member_has_another_id(chain: Chain, tmp_path: Path) -> None:
    async with linked(tmp_path, chain, connected=False) as here:
        await known(here)
        assert "はな" in (await here.shown(chain.code())).scene.title
        await here.feed("tokens", {member_code.token(bytes.fromhex(KEY), "code", MEMBER): None})
        await known(here, value="ba9876543210")
        here.register.clear()
        assert words(await here.shown(chain.code(made=now() - timedelta(seconds=5)))) == (*READ, "read")
        assert not here.register
        assert "はな" in (await here.shown(chain.code("ba9876543210"))).scene.title


async def test_a_clock_that_is_not_safe_greets_without_a_name(chain: Chain, tmp_path: Path) -> None:
    async with linked(tmp_path, chain) as here:
        await known(here)
        here.clock.synced = lambda: False
        here.clock.ahead = -timedelta(days=3)
        show = await here.shown(chain.code())
        assert ("はな" in str(show), show.carry["level"]) == (False, 1)
        [(_, scan)] = await here.events(1)
        assert (scan.outcome, scan.timed) == ("member", False)


async def test_where_consent_is_unconfirmed_nobody_is_known_but_by_the_register(chain: Chain, tmp_path: Path) -> None:
    async with linked(tmp_path, chain) as here:
        await known(here)
        here.known = False
        assert words(await here.shown(chain.code())) == (*READ, "read")
        assert (asked(here).value, [number for *_, number in here.register]) == (None, ["77001"])
        [(_, scan)] = await here.events(1)
        assert (scan.outcome, scan.customer) == ("unknown", None)


async def test_the_next_code_is_not_answered_with_the_last_ones_name(chain: Chain, tmp_path: Path) -> None:
    async with linked(tmp_path, chain) as here:
        await here.shown(chain.code())
        first = asked(here)
        assert words(await here.shown(chain.code("ba9876543210"))) == READING
        await tell(here, first, who="coming")
        await known(here)
        assert not here.till.sent
        await tell(here, asked(here), who="unknown")
        assert words(await here.till.next(Show)) == (*READ, "none")
        assert [body.outcome for _, body in await here.events(2)] == ["member", "unknown"]


async def test_the_register_is_not_told_the_last_one_while_the_next_one_is_there(chain: Chain, tmp_path: Path) -> None:
    async with linked(tmp_path, chain) as here:
        await here.shown(chain.code())
        first = asked(here)
        await here.shown(chain.code("ba9876543210"))
        await tell(here, first, who="coming", number="77001")
        await known(here)
        assert not here.register
        await tell(here, asked(here), who="unknown", number="88001")
        assert [number for *_, number in here.register] == ["88001"]


async def test_a_number_that_comes_too_late_for_its_purchase_is_not_told_to_the_register(
    chain: Chain, tmp_path: Path, still: Later
) -> None:
    async with linked(tmp_path, chain) as here:
        for seconds, handed in ((HANDED_WITHIN - 0.1, ["77001"]), (HANDED_WITHIN + 0.1, [])):
            here.register.clear()
            here.code(chain.code())
            await turn()
            await still(seconds)
            await tell(here, asked(here), who="unknown", number="77001")
            assert [number for *_, number in here.register] == handed


async def test_who_comes_while_the_agent_ends_is_not_asked_about(chain: Chain, tmp_path: Path) -> None:
    async with linked(tmp_path, chain) as here:
        here.floor.dark()
        here.code(chain.code(), question="q1")
        await turn()
        assert not here.wire.sent
        assert not here.reading._open
        assert here.reading.counts["scans_unknown"] == 1
        assert [(ours, number) for _, ours, number in here.register] == [(True, None)]


async def test_an_agent_that_ends_while_somebody_waits_reports_them(chain: Chain, tmp_path: Path, still: Later) -> None:
    async with linked(tmp_path, chain) as here:
        here.code(chain.code())
        await turn()
        here.floor.dark()
        assert here.reading.counts["scans_unknown"] == 1


async def test_a_product_that_is_held_up_at_a_shelf_is_shown_there_and_at_a_till_it_is_not(
    chain: Chain, tmp_path: Path
) -> None:
    async with linked(tmp_path, chain) as here:
        tea = feeds.Product(sku=JAN, name={"ja": "煎茶"}, yen=1200, category="tea", note={"ja": "宇治の一番茶"})
        underwear = replace(tea, sku="4909999999991", sensitive=True)
        await here.feed("products", {JAN: tea, underwear.sku: underwear}, scope="chain")
        shop = records.Store(store="ginza", name={"ja": "銀座"}, link="https://shop.example/p")
        await here.feed("stores", {"ginza": shop})
        here.code(JAN, reader="shelf-cam", zone=SHELF)
        show = await here.shelf.next(Show)
        [item] = show.scene.items
        assert (show.scene.layout, show.scene.title, show.chime) == ("recommendation", "こちらの商品のご案内", "read")
        assert (item.id, item.title, item.price, item.note) == (JAN, "煎茶", "¥1,200", "宇治の一番茶")
        assert item.link.startswith("https://shop.example/p?")
        assert ("store=ginza" in item.link, "zone=shelf" in item.link) == (True, True)
        assert show.carry == {"customers": [], "level": 0}
        here.code(underwear.sku, reader="shelf-cam", zone=SHELF)
        here.code(JAN)
        [*_, (_, first), (_, second), (_, third)] = await here.events(3)
        assert [(one.outcome, one.sku, one.reader) for one in (first, second, third)] == [
            ("product", JAN, "shelf-cam"),
            ("product", underwear.sku, "shelf-cam"),
            ("product", JAN, "cam"),
        ]
        assert not here.till.sent
        assert not here.shelf.sent
        await here.feed("products", {JAN: replace(tea, sensitive=True)}, scope="chain")


async def test_what_somebody_buys_is_the_registers_and_no_event(chain: Chain, tmp_path: Path) -> None:
    async with linked(tmp_path, chain) as here:
        shop = records.Store(store="ginza", name={"ja": "銀座"}, link="https://shop.example/p")
        await here.feed("stores", {"ginza": shop})
        here.code("tea", "scanner", question="q1")
        here.code("something", "scanner", question="q2")
        here.code("https://shop.example/p?store=ueno&zone=window&sku=tea", "scanner", question="q3")
        [(_, only)] = await here.events(1)
        assert (only.outcome, only.poster_zone) == ("product", "window")
        assert (here.reading.counts["scans_product"], here.reading.counts["scans_other"]) == (2, 1)
        assert [(scan.question, ours) for scan, ours, _ in here.register] == [(f"q{n}", False) for n in (1, 2, 3)]


async def test_a_poster_tells_where_it_hangs(chain: Chain, tmp_path: Path) -> None:
    async with linked(tmp_path, chain) as here:
        shop = records.Store(store="ginza", name={"ja": "銀座"}, link="https://shop.example/p")
        await here.feed("stores", {"ginza": shop})
        here.code("https://shop.example/p?store=ueno&zone=window&sku=tea", reader="shelf-cam", zone=SHELF)
        here.code("https://evil.example/p?store=ueno&zone=window&sku=tea", reader="shelf-cam", zone=SHELF)
        [(_, poster), (_, other)] = await here.events(2)
        assert (poster.outcome, poster.sku, poster.poster_store, poster.poster_zone) == (
            "product", "tea", "ueno", "window",
        )  # fmt: skip
        assert (other.outcome, other.sku) == ("other", None)


async def test_who_tries_numbers_is_said_without_any(chain: Chain, tmp_path: Path, still: Later) -> None:
    async with linked(tmp_path, chain, connected=False) as here:

        async def show(number: int) -> None:
            twelve = f"29{number:010}"
            here.code(twelve + member_code.check_digit(twelve), reader="till-camera")
            await turn()

        for _ in range(3):
            for number in range(GUESSES):
                await show(number)
        assert list(here.reading.troubles) == [], "the same ones again are no guesses"
        await show(GUESSES)
        [said] = here.reading.troubles
        assert "till-camera" in said
        assert "29000" not in said
        await still(GUESSED_IN)
        assert list(here.reading.troubles) == []


async def test_where_nobody_is_known_nobody_tries_numbers(chain: Chain, tmp_path: Path) -> None:
    async with linked(tmp_path, chain, connected=False) as here:
        here.known = False
        for number in range(2 * GUESSES):
            twelve = f"29{number:010}"
            here.code(twelve + member_code.check_digit(twelve))
            await turn()
        assert here.reading.troubles == ()


async def test_no_number_and_no_opaque_id_leaves_but_in_the_question(
    chain: Chain, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with linked(tmp_path, chain) as here:
        await known(here)
        for content in (chain.code(), chain.code("ba9876543210"), NUMBER.encode()):
            await here.shown(content)
        await tell(here, here.wire.take("ask", Ask)[-1], who="unknown")
        said = str(await here.events(2)) + str(here.till.sent) + str(here.reading.counts) + caplog.text
        for secret in (MEMBER, "ba9876543210", NUMBER, "77001"):
            assert secret not in said
        assert not any(secret in topic for topic, _ in here.wire.sent for secret in (MEMBER, NUMBER))


def cameras(*names: str) -> tuple[SensorConfig, ...]:
    return tuple(
        SimulatedCamera(kind="simulated-camera", name=name, zone="till", scenario=Path("/s")) for name in names
    )


async def test_a_checkout_says_now_and_then_that_it_reads_no_codes(chain: Chain, tmp_path: Path, later: Later) -> None:
    async with linked(tmp_path, chain, sensors=cameras("one", "two")) as here:
        troubles: dict[str, str] = {"one": "it is unplugged"}
        here.floor.troubled = lambda: troubles
        await later(1.0)
        assert not here.till.sent, "the other camera works"
        troubles["two"] = "all it sees is black"
        await later(0.3)
        show = await here.till.next(Show)
        assert words(show) == ("ただいま会員証を読み取れません", "スタッフにお声がけください", "none")
        assert (show.cause, show.carry, show.trigger_ns) == ("override", {"customers": [], "level": 0}, 0)
        await later(SAYS + 0.3)
        assert isinstance(await here.till.next(Clear), Clear)
        await later(SAYS_AGAIN - SAYS)
        again = await here.till.next(Show)
        assert again.scene.scene != show.scene.scene
        del troubles["one"]
        await later(0.3)
        assert isinstance(await here.till.next(Clear), Clear)
        assert not here.shelf.sent


async def test_a_greeting_comes_before_the_trouble(chain: Chain, tmp_path: Path, later: Later) -> None:
    async with linked(tmp_path, chain, sensors=cameras("one")) as here:
        await known(here)
        here.floor.troubled = lambda: {"one": "it is unplugged"}
        await later(0.3)
        assert (await here.till.next(Show)).cause == "override"
        assert "はな" in (await here.shown(chain.code(), "scanner")).scene.title
