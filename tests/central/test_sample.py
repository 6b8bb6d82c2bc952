"""The sample chain is the same for the same seed, holds together, and can be told apart."""

from __future__ import annotations

import hashlib
import io
import itertools
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from PIL import Image

from central.cli import main
from central.contract import codec, feeds, member_code
from central.sample import Chain, chain, drawn, goods
from central.sample.pictures import look, shapes
from central.sample.pictures.campaigns import CAMPAIGNS
from ground.programme import check
from ground.programme.file import Programme
from ground.programme.records import Content

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
ID = re.compile(r"[a-z0-9-]{1,64}")
BEACON = re.compile(
    r"ibeacon:(?P<uuid>[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}):\d{1,5}:\d{1,5}|eddystone-uid:[0-9a-f]{20}:[0-9a-f]{12}"
)
DIGEST_OF_CHAIN = """
import hashlib
from datetime import UTC, datetime
from central.contract import codec
from central.sample import chain
print(hashlib.sha256(codec.encode(chain(now=datetime(2026, 11, 24, 3, 0, tzinfo=UTC), pictures=False))).hexdigest())
"""


@pytest.fixture(scope="module")
def sample() -> Chain:
    return chain(now=NOW, pictures=False)


def said(sample: Chain) -> Iterator[str]:
    """Every text of the chain that a screen may show, but for nicknames."""
    for product in sample.products:
        yield from (*product.name.values(), *product.note.values())
    for item in sample.content:
        yield from (*item.title.values(), *item.text.values())
    for member in sample.members:
        yield from itertools.chain(*(coupon.title.values() for coupon in member.coupons))


def test_the_same_chain_for_the_same_arguments_in_any_process() -> None:
    def digest(hash_seed: str) -> str:
        env = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", DIGEST_OF_CHAIN], env=env, cwd=ROOT, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    here = hashlib.sha256(codec.encode(chain(now=NOW, pictures=False))).hexdigest()
    assert digest("1") == digest("2") == here


def test_another_seed_is_another_chain(sample: Chain) -> None:
    other = chain(seed=2, now=NOW, pictures=False)
    assert other.products == sample.products
    assert other.stock != sample.stock
    assert {member.number for member in other.members}.isdisjoint(member.number for member in sample.members)


def test_a_later_now_moves_only_the_times(sample: Chain) -> None:
    hour = timedelta(hours=1)
    later = chain(now=NOW + hour, pictures=False)
    moved = tuple(
        replace(
            member,
            bought=tuple(replace(interest, at=interest.at + hour) for interest in member.bought),
            viewed=tuple(replace(interest, at=interest.at + hour) for interest in member.viewed),
        )
        for member in sample.members
    )
    assert later.members == moved
    assert later.stock == sample.stock


def test_a_naive_now_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        chain(now=datetime(2026, 11, 24, 3, 0), pictures=False)  # noqa: DTZ001


def test_stores(sample: Chain) -> None:
    assert [store.store for store in sample.stores] == ["ginza", "umeda", "tenjin"]
    assert all(store.name.keys() == {"ja", "en"} for store in sample.stores)


def test_every_product_has_both_languages_and_a_price_in_tens(sample: Chain) -> None:
    for product in sample.products:
        assert product.name.keys() == {"ja", "en"}
        assert all(product.name.values())
        assert product.note.keys() in ({"ja", "en"}, set())
        assert product.yen % 10 == 0
        assert 100 <= product.yen <= 100_000
    assert len(sample.products) == 300


def test_products_are_told_apart_and_can_be_sent(sample: Chain) -> None:
    assert len({product.sku for product in sample.products}) == len(sample.products)
    assert len({product.name["ja"] for product in sample.products}) == len(sample.products)
    assert len({product.name["en"] for product in sample.products}) == len(sample.products)
    assert all(codec.decode(codec.encode(product), feeds.Product) == product for product in sample.products)


def test_categories_are_twelve_and_one_is_sensitive(sample: Chain) -> None:
    sizes = Counter(product.category for product in sample.products)
    assert tuple(sizes) == goods.CATEGORIES
    assert set(sizes.values()) == {25}
    assert all(product.sensitive for product in sample.products if product.category == "medicine")
    assert Counter(product.sensitive for product in sample.products) == {False: 274, True: 26}


def test_names_try_what_typesetting_finds_hard(sample: Chain) -> None:
    names = "\n".join(product.name["ja"] for product in sample.products)
    for what in ("𠮷", "ﾊﾞ", "フ\u3099", "Ｂ６", "ゞ", "薔薇", "〜"):
        assert what in names
    assert max(map(len, names.split("\n"))) > 40


def test_stock_is_long_tailed_and_differs_from_store_to_store(sample: Chain) -> None:
    skus = [product.sku for product in sample.products]
    assert set(sample.stock) == {store.store for store in sample.stores}
    for rows in sample.stock.values():
        assert [row.sku for row in rows] == skus
        assert 5 <= sum(row.on_hand == 0 for row in rows) <= 60
        sold = sorted((row.sold for row in rows), reverse=True)
        assert sum(sold[:60]) > sum(sold) / 2
        assert sold[0] > 20 * max(1, sold[150])
    ginza, umeda, tenjin = ({row.sku: row for row in rows} for rows in sample.stock.values())
    assert ginza != umeda != tenjin


def test_content_is_in_both_languages_and_has_its_picture(sample: Chain) -> None:
    assert [item.content for item in sample.content] == list(CAMPAIGNS)
    assert 6 <= len(sample.content) <= 8
    for item in sample.content:
        assert item.layout == "campaign"
        assert item.title.keys() == item.text.keys() == {"ja", "en"}
        assert codec.decode(codec.encode(item), Content) == item


def test_the_programme_has_nothing_wrong_and_leaves_the_loop_its_time(sample: Chain) -> None:
    whole = Programme(
        contents=sample.content,
        playlists=sample.playlists,
        campaigns=sample.campaigns,
        layouts=sample.layouts,
        stores=sample.stores,
    )
    assert check.problems(whole, NOW.date()) == []
    assert sum(campaign.share or 0 for campaign in sample.campaigns) < 100
    assert all(campaign.share or campaign.audience.members for campaign in sample.campaigns)
    assert len(sample.layouts) == 1


def test_members_are_told_apart(sample: Chain) -> None:
    assert len(sample.members) == 200
    for name in ("customer", "number", "nickname"):
        assert len({getattr(member, name) for member in sample.members}) == 200, name
    beacons = [member.beacon for member in sample.members if member.beacon]
    assert len(set(beacons)) == len(beacons)
    assert all(ID.fullmatch(member.customer) for member in sample.members)


def test_member_numbers_are_member_codes(sample: Chain) -> None:
    for member in sample.members:
        assert member.number.startswith("29")
        assert member_code.number(member.number.encode()) == member.number


def test_three_in_four_have_a_beacon_some_of_them_eddystone(sample: Chain) -> None:
    beacons = [member.beacon for member in sample.members if member.beacon]
    matches = [BEACON.fullmatch(beacon) for beacon in beacons]
    assert all(matches)
    assert len(beacons) == 150
    assert len({match["uuid"] for match in matches if match and match["uuid"]}) == 1
    assert 5 <= sum(beacon.startswith("eddystone-uid") for beacon in beacons) <= 30


def test_no_nickname_is_a_part_of_another_or_of_what_is_said(sample: Chain) -> None:
    # The judge of the demo reads names off the screens; the more so with more members than the lists hold.
    names = [member.nickname for member in chain(now=NOW, members=250, pictures=False).members]
    assert len(set(names)) == 250
    assert all(0 < len(name) <= 20 for name in names)
    assert [(one, other) for one, other in itertools.permutations(names, 2) if one in other] == []
    texts = set(said(sample))
    assert [(name, text) for name in names for text in texts if name in text] == []


def test_more_members_than_names(sample: Chain) -> None:
    many = chain(now=NOW, members=1500, pictures=False).members
    assert len({member.nickname for member in many}) == len({member.number for member in many}) == 1500


@pytest.mark.parametrize("count", [0, 1, 7])
def test_few_members(count: int) -> None:
    assert len(chain(now=NOW, members=count, pictures=False).members) == count


def test_consents_are_a_mixture_of_known_purposes(sample: Chain) -> None:
    for member in sample.members:
        assert list(member.purposes) == [purpose for purpose in feeds.PURPOSES if purpose in member.purposes]
    mixture = Counter((("presence" in member.purposes), ("signage" in member.purposes)) for member in sample.members)
    assert mixture == {(True, True): 120, (False, True): 30, (True, False): 30, (False, False): 20}
    assert sum(not member.purposes for member in sample.members) >= 3
    assert any("messages" in member.purposes for member in sample.members)
    assert any("analysis" in member.purposes for member in sample.members)


def test_languages_and_homes(sample: Chain) -> None:
    assert Counter(member.language for member in sample.members) == {"ja": 170, "en": 30}
    stores = [store.store for store in sample.stores]
    for member in sample.members:
        assert member.home in member.visited
        assert set(member.visited) <= set(stores)
        assert len(set(member.visited)) == len(member.visited)
    assert {member.home for member in sample.members} == set(stores)


def test_interests_name_products_lie_before_now_and_come_newest_first(sample: Chain) -> None:
    skus = {product.sku for product in sample.products}
    for member in sample.members:
        for interests in (member.bought, member.viewed):
            assert {interest.sku for interest in interests} <= skus
            assert len({interest.sku for interest in interests}) == len(interests)
            assert all(interest.at < NOW and interest.at.utcoffset() == timedelta(0) for interest in interests)
            assert sorted(interests, key=lambda interest: interest.at, reverse=True) == list(interests)


def test_interests_hang_together(sample: Chain) -> None:
    category = {product.sku: product.category for product in sample.products}
    shares = []
    for member in sample.members:
        held = Counter(category[interest.sku] for interest in (*member.bought, *member.viewed))
        if held.total() >= 8:
            shares.append(sum(count for _, count in held.most_common(3)) / held.total())
    assert len(shares) > 100
    assert sum(shares) / len(shares) > 0.75


def test_some_looked_at_what_must_not_be_shown_and_some_have_coupons(sample: Chain) -> None:
    sensitive = {product.sku for product in sample.products if product.sensitive}
    assert any(interest.sku in sensitive for member in sample.members for interest in member.bought)
    assert any(interest.sku in sensitive for member in sample.members for interest in member.viewed)
    coupons = [coupon for member in sample.members for coupon in member.coupons]
    assert 50 < len(coupons) < 300
    assert len({coupon.coupon for coupon in coupons}) == len(coupons)
    assert all(ID.fullmatch(coupon.coupon) and coupon.title.keys() == {"ja", "en"} for coupon in coupons)


def test_a_members_profile_can_be_sent(sample: Chain) -> None:
    for member in sample.members:
        profile = feeds.Profile(
            customer=member.customer,
            purposes=member.purposes,
            language=member.language,
            nickname=member.nickname,
            points=member.points,
            bought=member.bought,
            viewed=member.viewed,
            coupons=member.coupons,
        )
        assert codec.decode(codec.encode(profile), feeds.Profile) == profile


def test_now_in_another_zone_gives_utc() -> None:
    tokyo = chain(now=NOW.astimezone(timezone(timedelta(hours=9))), members=5, pictures=False)
    assert tokyo.members == chain(now=NOW, members=5, pictures=False).members
    assert all(interest.at.utcoffset() == timedelta(0) for member in tokyo.members for interest in member.bought)


def test_every_picture_is_there_opens_and_is_small(tmp_path: Path) -> None:
    full = chain(now=NOW, members=3, kept=tmp_path / "kept")
    assert chain(now=NOW, members=3, kept=tmp_path / "kept") == full
    assert len(list((tmp_path / "kept").iterdir())) == len(full.pictures)
    config = tmp_path / "c.yaml"
    config.write_text(f'central:\n  folder: {tmp_path / "central"}\n  key: "{"0" * 64}"\n')
    assert main(["load-sample", str(config), "--pictures", str(tmp_path / "kept")]) == 0
    assert {file.name for file in (tmp_path / "central" / "assets").iterdir()} == set(full.pictures)
    plain = chain(now=NOW, members=3, pictures=False)
    assert (full.members, full.stock) == (plain.members, plain.stock)
    assert not plain.pictures
    wanted = [product.picture for product in full.products] + [item.picture for item in full.content]
    assert set(wanted) == set(full.pictures)
    assert len(full.pictures) > 120
    for digest, data in full.pictures.items():
        assert hashlib.sha256(data).hexdigest() == digest
    for product in full.products:
        data = full.pictures[str(product.picture)]
        assert len(data) <= 30 << 10
        _opens(data, (640, 640))
    for item in full.content:
        _opens(full.pictures[str(item.picture)], (1600, 900))


def _opens(data: bytes, size: tuple[int, int]) -> None:
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        assert (picture.format, picture.size) == ("PNG", size)


NAMES = ["towels shiro karashi shima", "tin ai shiro seigaiha"]


def test_a_kept_picture_is_not_drawn_again(tmp_path: Path) -> None:
    first = drawn.pictures(NAMES, tmp_path)
    assert first == drawn.pictures(NAMES, None)
    kept = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert set(kept) == {
        f"{drawn.origin(name)}-{hashlib.sha256(picture).hexdigest()}.png" for name, picture in first.items()
    }
    other = b"what another program drew"
    next(tmp_path.glob(f"{drawn.origin(NAMES[0])}-*")).unlink()
    (tmp_path / f"{drawn.origin(NAMES[0])}-{hashlib.sha256(other).hexdigest()}.png").write_bytes(other)
    assert drawn.pictures(NAMES, tmp_path) == first | {NAMES[0]: other}


@pytest.mark.parametrize("broken", [b"", b"half", b"more"])
def test_a_kept_picture_that_is_broken_is_drawn_anew(tmp_path: Path, broken: bytes) -> None:
    first = drawn.pictures(NAMES, tmp_path)
    for file in tmp_path.iterdir():
        data = file.read_bytes()
        file.write_bytes({b"": b"", b"half": data[: len(data) // 2], b"more": data + b"more"}[broken])
    assert drawn.pictures(NAMES, tmp_path) == first
    assert sorted(file.read_bytes() for file in tmp_path.iterdir()) == sorted(first.values())


def test_what_other_programs_drew_goes_and_what_is_not_ours_stays(tmp_path: Path) -> None:
    ours = tmp_path / f"{'0' * 64}-{'1' * 64}.png"
    others = [tmp_path / name for name in ("holiday.png", f"{'0' * 64}.png", f"{'0' * 64}-{'1' * 64}.png.bak")]
    for file in (ours, *others):
        file.write_bytes(b"drawn long ago")
    drawn.pictures(NAMES[:1], tmp_path)
    assert not ours.exists()
    assert all(file.exists() for file in others)


def test_each_name_has_its_origin() -> None:
    assert len({drawn.origin(name) for name in (*NAMES, *CAMPAIGNS)}) == len(NAMES) + len(CAMPAIGNS)


def test_a_folder_that_cannot_be_one_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        drawn.pictures(NAMES, tmp_path / "file")


def test_a_picture_is_the_same_again_and_a_thing_is_not_lost_on_its_ground() -> None:
    words = look.read("towels shiro karashi shima")
    picture = shapes.draw(words)
    assert picture.png() == shapes.draw(words).png()
    middle, corner = picture.image.getpixel((640, 700)), picture.image.getpixel((5, 5))
    assert middle != corner


def test_shapes_have_names_of_their_own() -> None:
    assert len(shapes.SHAPES) == sum(len(room.SHAPES) for room in shapes.ROOMS)
    assert set(shapes.SHAPES) >= shapes.LYING


@pytest.mark.parametrize("words", ["tin", "tin ai kinari", "tin blue kinari muji", "tin ai kinari tartan", ""])
def test_a_look_that_says_nothing_is_refused(words: str) -> None:
    with pytest.raises(ValueError, match="look"):
        look.read(words)
