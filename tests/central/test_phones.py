"""What the demo's phones show: for members' QR codes one that is signed for that very moment, else what they were."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from chain_keys import now
from sqlalchemy import Engine

from central import codes, profiles
from central.contract import signed_code
from central.demo.phones import with_codes
from central.keys import Keys
from central.profiles import Customer
from central.scenario import Bearer, Known, Scenario, Shopper, Show, Store, Truth
from central.storage.database import reading, writing

NUMBER = "2900000000016"


def show(begin: float, content: str = NUMBER, kind: str = "QRCode", *, own: bool = True) -> Show:
    return Show(reader="till-camera", begin=begin, end=begin + 3, format=kind, content=content, own=own)


def shown(engine: Engine, folder: Path, who: str | None, *shows: Show) -> list[str]:
    """What is held to the reader then; whoever holds it is this customer."""
    with writing(engine) as connection:
        profiles.save(connection, [Customer(customer="c-1", home="ginza", tokens=(("code", NUMBER),))])
    known = Known(number=NUMBER, nickname="ハナ", language="ja", stores=("ginza",), purposes=())
    plot = Scenario(
        name="one",
        seconds=100,
        stores={"ginza": Store(shoppers=(Shopper(shopper="s-1", shows=shows),))},
        truth=Truth(shoppers={"s-1": Bearer(role="member", customer=who)}, members={"c-1": known}),
    )
    made = with_codes(plot, engine, Keys.open(folder, now()), now())
    return [one.content for one in made.stores["ginza"].shoppers[0].shows]


def test_a_members_qr_code_is_signed_and_good_while_it_is_shown(engine: Engine, tmp_path: Path) -> None:
    for begin, content in zip((5, 90), shown(engine, tmp_path, "c-1", show(5), show(90)), strict=True):
        code = signed_code.read(content.encode())
        assert code is not None
        with reading(engine) as connection:
            assert codes.member_of(connection, [code.member]) == {code.member: "c-1"}
        held = now() + timedelta(seconds=begin)
        assert code.made <= held - timedelta(seconds=2), "the app has had the time to fetch it"
        assert held + timedelta(seconds=3) < code.until


def test_bar_codes_and_what_is_not_their_own_stay_as_they_are(engine: Engine, tmp_path: Path) -> None:
    bar, poster = show(5, kind="EAN13"), show(20, "https://shop.example/", own=False)
    assert shown(engine, tmp_path, "c-1", bar, poster) == [NUMBER, "https://shop.example/"]


def test_who_is_no_member_has_no_code(engine: Engine, tmp_path: Path) -> None:
    assert shown(engine, tmp_path, None, show(5)) == [NUMBER]
