"""What screens show as feeds: rows for the stores that have it, until it is over, and the signed list of files."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from edge_log import NOON
from sqlalchemy import Connection, Engine, select

from central import catalogue, consent, content, profiles
from central.catalogue import Kept
from central.contract import codec, feeds
from central.contract.feeds import Asset, Manifest, Product, Stock
from central.feeds import manifests
from central.feeds.projector import Projector, project
from central.keys import Keys
from central.profiles import Customer
from central.storage.database import reading, writing
from central.storage.tables import feed_row
from ground.programme.records import Campaign, Content, Layout, Playlist, Region, Store, When

KEY = bytes(32)
CONTENT = Content(content="autumn", layout="campaign", title={"ja": "秋"})
REGIONS = (Region(region="main", at=(0, 0, 1000, 1000), shows="main"),)


def campaign(*stores: str, last: date | None = None, name: str = "dusk") -> Campaign:
    when = (When(last=last),) if last else ()
    return Campaign(campaign=name, name="夕方", contents=("autumn",), stores=stores, when=when)


def rows(connection: Connection, feed: str) -> dict[tuple[str, str], bytes | None]:
    project(connection, KEY, NOON)
    found = connection.execute(select(feed_row).where(feed_row.c.feed == feed))
    return {(row.scope, row.key): row.body and row.body.encode() for row in found}


def until(connection: Connection) -> dict[str, datetime | None]:
    project(connection, KEY, NOON)
    found = connection.execute(select(feed_row.c.scope, feed_row.c.until).where(feed_row.c.feed == "campaigns"))
    return {row.scope: row.until for row in found}


def digest(at: int) -> str:
    return f"{at:x}".rjust(64, "0")[::-1]


def kept(name: str, kind: str = "png") -> Kept:
    return Kept(digest=name, kind=kind, size=1234, name="a", made=NOON)


def test_every_kind_has_its_feed_and_reads_as_its_record(engine: Engine) -> None:
    playlist = Playlist(playlist="two", contents=("autumn",))
    layout = Layout(layout="wide", regions=REGIONS)
    store = Store(store="ginza", name={"ja": "銀座"}, link="https://shop.example/p")
    with writing(engine) as connection:
        content.save(connection, [CONTENT, playlist, campaign(), layout])
        catalogue.save_stores(connection, [store])
        for feed, scope, key, record in (
            ("content", "chain", "autumn", CONTENT),
            ("playlists", "chain", "two", playlist),
            ("campaigns", "chain", "dusk", campaign()),
            ("layouts", "chain", "wide", layout),
            ("stores", "ginza", "ginza", store),
        ):
            found = rows(connection, feed)
            assert found.keys() == {(scope, key)}
            body = found[scope, key]
            assert body is not None
            assert feeds.read(feed, body) == record


def test_a_store_gets_only_its_campaigns_and_loses_those_that_are_no_longer_its(engine: Engine) -> None:
    with writing(engine) as connection:
        content.save(connection, [CONTENT, campaign("ginza", "ueno")])
        found = rows(connection, "campaigns")
        assert found.keys() == {("ginza", "dusk"), ("ueno", "dusk")}
        body = found["ueno", "dusk"]
        assert body is not None
        assert feeds.read("campaigns", body).stores == ("ueno",), "the others are nobody's business there"
        content.save(connection, [campaign("ginza")])
        assert rows(connection, "campaigns")["ueno", "dusk"] is None
        content.save(connection, [campaign()])
        found = rows(connection, "campaigns")
        assert {place for place, body in found.items() if body} == {("chain", "dusk")}
        content.delete(connection, "campaigns", ["dusk"])
        assert not any(rows(connection, "campaigns").values())


def test_a_campaign_runs_out_when_its_last_day_is_over_by_the_clocks_of_its_store(engine: Engine) -> None:
    stores = [
        Store(store="ginza", name={"ja": "銀座"}),
        Store(store="york", name={"ja": "ニューヨーク"}, timezone="America/New_York"),
    ]
    with writing(engine) as connection:
        catalogue.save_stores(connection, stores)
        content.save(connection, [CONTENT, campaign("ginza", "york", "none", last=date(2026, 11, 24))])
        # A day more: a part of the day may reach into the next.
        assert until(connection) == {
            "ginza": datetime(2026, 11, 25, 15, tzinfo=UTC),
            "york": datetime(2026, 11, 26, 5, tzinfo=UTC),
            "none": datetime(2026, 11, 26, 12, tzinfo=UTC),
        }
        catalogue.save_stores(connection, [Store(store="ginza", name={"ja": "銀座"}, timezone="Europe/Berlin")])
        assert until(connection)["ginza"] == datetime(2026, 11, 25, 23, tzinfo=UTC)
        content.save(connection, [campaign(last=date(2026, 11, 24))])
        assert until(connection)["chain"] == datetime(2026, 11, 26, 12, tzinfo=UTC), "over only where it is over last"


@pytest.mark.parametrize(
    "when", [(), (When(last=date(2026, 11, 24)), When(first=date(2027, 1, 1))), (When(last=date(9999, 12, 31)),)]
)
def test_a_campaign_without_a_last_day_does_not_run_out(engine: Engine, when: tuple[When, ...]) -> None:
    with writing(engine) as connection:
        endless = Campaign(campaign="dusk", name="夕方", contents=("autumn",), when=when)
        content.save(connection, [CONTENT, endless])
        assert until(connection) == {"chain": None}


def verified(key: str, body: bytes, keys: Keys) -> list[Asset]:
    """Read a part of the list as a device does, that knows the root. Raises InvalidSignature."""
    read = codec.decode(body, Manifest)
    certificate = x509.load_pem_x509_certificate(read.certificate.encode())
    root = x509.load_pem_x509_certificate(keys.trusted(NOON).encode())
    certificate.verify_directly_issued_by(root)
    assert "manifests" in certificate.subject.rfc4514_string()
    public = certificate.public_key()
    assert isinstance(public, EllipticCurvePublicKey)
    public.verify(base64.b64decode(read.signature), manifests.signed(key, read.assets), ECDSA(hashes.SHA256()))
    return msgspec.json.decode(read.assets, type=list[Asset])


def listed(engine: Engine, keys: Keys) -> dict[str, bytes | None]:
    Projector(engine, KEY, lambda *_: None, lambda: NOON, lambda data: keys.signed("manifests", data, NOON)).step()
    with reading(engine) as connection:
        found = connection.execute(select(feed_row).where(feed_row.c.feed == "manifest")).all()
        assert {row.scope for row in found} <= {"chain"}
        return {row.key: row.body and row.body.encode() for row in found}


def test_files_are_listed_in_parts_that_the_chains_key_has_signed(engine: Engine, keys: Keys) -> None:
    names = [digest(at) for at in range(1, 20)]
    with writing(engine) as connection:
        catalogue.save_assets(connection, [kept(name) for name in names])
    parts = listed(engine, keys)
    assert set(parts) == {name[0] for name in names}
    found = [one for key, body in parts.items() for one in verified(key, body or b"", keys)]
    assert sorted(one.digest for one in found) == sorted(names)
    assert {(one.size, one.kind) for one in found} == {(1234, "png")}
    assert all(one.digest[0] == key for key, body in parts.items() for one in verified(key, body or b"", keys))


def test_a_part_under_another_name_or_with_another_list_is_not_signed(engine: Engine, keys: Keys) -> None:
    with writing(engine) as connection:
        catalogue.save_assets(connection, [kept(digest(10))])
    body = listed(engine, keys)["a"] or b""
    with pytest.raises(InvalidSignature):
        verified("b", body, keys)
    with pytest.raises(InvalidSignature):
        verified("a", body.replace(b"1234", b"1235"), keys)


def test_what_has_not_changed_is_not_sent_again_but_a_new_key_signs_all_anew(engine: Engine, keys: Keys) -> None:
    def versions() -> list[int]:
        listed(engine, keys)
        with reading(engine) as connection:
            return list(connection.scalars(select(feed_row.c.version).where(feed_row.c.feed == "manifest")))

    with writing(engine) as connection:
        catalogue.save_assets(connection, [kept(digest(10)), kept(digest(11))])
    first = versions()
    assert versions() == first, "each Projector that starts looks at all parts"
    keys.rotate("manifests", NOON)
    assert min(versions()) > max(first)


def test_a_part_that_grows_too_large_is_divided_and_the_whole_one_withdrawn(
    engine: Engine, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {one.digest: one for one in (kept(f"a{at % 16:x}{at:062x}") for at in range(5000))}
    parts = dict(manifests.made(made, "a", lambda _: (b"s", "c")))
    assert set(parts) == {f"a{digit}" for digit in "0123456789abcdef"}
    assert sum(len(msgspec.json.decode(part.assets)) for part in parts.values()) == 5000
    most = {one.digest: one for one in (kept(f"b{at:063x}") for at in range(3600))}
    ((key, whole),) = manifests.made(most, "b", lambda _: (b"s" * 200, "c" * 2000))
    assert key == "b"
    assert len(whole.assets) <= 450_000
    assert len(codec.encode(whole)) < feeds.MAX_ROW


def test_pictures_of_a_noren_without_a_list_are_listed(engine: Engine, tmp_path: Path) -> None:
    png = bytes.fromhex("89504e470d0a1a0a0000000d49484452") + (640).to_bytes(4) + (360).to_bytes(4) + b"rest"
    for name, data in ((digest(1), png), (digest(2), b"\xff\xd8\xff and more"), (digest(3), b"no picture")):
        (tmp_path / name).write_bytes(data)
    pictured = [Product(sku=f"p{at}", name={"ja": "品"}, yen=1, category="tea", picture=digest(at)) for at in (2, 3, 4)]
    with writing(engine) as connection:
        catalogue.save_products(connection, pictured)
        catalogue.save_stock(connection, "ginza", [Stock(sku="p2", on_hand=1, sold=1)])
        content.save(connection, [Content(content="c", layout="campaign", title={"ja": "秋"}, picture=digest(1))])
        assert catalogue.adopt(connection, tmp_path, NOON) == 2
        found = catalogue.assets(connection)
        assert {name: (one.kind, one.width, one.height, one.size) for name, one in found.items()} == {
            digest(1): ("png", 640, 360, len(png)),
            digest(2): ("jpg", None, None, 12),
        }
        assert catalogue.adopt(connection, tmp_path, NOON + timedelta(days=1)) == 0
        assert catalogue.assets(connection) == found


def test_a_store_knows_which_groups_a_customer_is_of_if_they_agreed(engine: Engine) -> None:
    with writing(engine) as connection:
        known = [Customer(customer=name, home="ginza", segments=("gold", "tea")) for name in ("c-1", "c-2")]
        profiles.save(connection, known)
        consent.give(connection, "c-1", ["signage"], NOON)
        assert profiles.read(connection, ["c-1"])["c-1"].segments == ("gold", "tea")
        found = rows(connection, "profiles")
        assert found.keys() == {("ginza", "c-1")}
        assert feeds.read("profiles", found["ginza", "c-1"] or b"").segments == ("gold", "tea")
