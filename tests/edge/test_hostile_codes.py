"""What strangers hold before a reader: ten thousand codes, none of which crashes anything or is a member's."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from chain_keys import device, now
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from edge_pages import take
from signed_codes import MEMBER, Chain, code, public

from central import certificates
from central.contract import feeds, member_code, signed_code
from edge import posters
from edge.identity import Identity
from edge.keyring import Keyring
from edge.replays import Replays
from edge.replica import Replica
from edge.seal import Seal
from edge.storage import Storage

KEY = b"k" * 32
NUMBER = "290000000012" + member_code.check_digit("290000000012")
SHOP = "https://shop.example/p"
ORDER = 2**252 + 27742317777372353535851937790883648493
"""Of the group of Ed25519 (RFC 8032)."""
SMALL = (
    bytes(32),
    (1).to_bytes(32, "little"),
    (2**255 - 20).to_bytes(32, "little"),
    (2**255 - 19).to_bytes(32, "little"),
    (2**255 - 18).to_bytes(32, "little"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    b"\xff" * 32,
)
"""Points of small order, some in more than one way of writing, and none at all."""


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    return Chain(tmp_path_factory.mktemp("keys"))


def raw(content: bytes) -> bytes:
    return int(content).to_bytes(77)


def digits(data: bytes) -> bytes:
    return str(int.from_bytes(data)).zfill(signed_code.DIGITS).encode()


def every_bit(good: bytes) -> Iterator[bytes]:
    """A valid code with one bit of it turned."""
    data = raw(good)
    for place in range(len(data) * 8):
        turned = bytearray(data)
        turned[place // 8] ^= 1 << place % 8
        yield digits(bytes(turned))


def signatures(chain: Chain) -> Iterator[bytes]:
    """Signatures that bad verifiers take: S beside the group, small points, zeros, those of other texts."""
    good = raw(chain.code())
    head, point, scalar = good[:13], good[13:45], int.from_bytes(good[45:], "little")
    for more in range(1, 8):
        yield digits(head + point + (scalar + more * ORDER).to_bytes(32, "little"))
    for one in SMALL:
        for other in (*SMALL, point):
            yield digits(head + one + other)
            yield digits(head + other + one)
    yield digits(head + good[13:][::-1])
    key = chain.private()
    for said in (head, b"noren/member-code/v2\0" + head, signed_code.signed(head)[:-1], b""):
        yield digits(head + key.sign(said))
    for later in range(1, 200):
        moved = signed_code.head(head[1:3].hex(), MEMBER, now() + timedelta(seconds=later), timedelta(minutes=4))
        yield digits(moved + good[13:])


def keys(chain: Chain, folder: Path) -> Iterator[bytes]:
    """Codes of keys that are somebody else's or for something else, also under the right key's name."""
    right, mine = chain.key().short, Ed25519PrivateKey.generate()
    for name in (right, None, "0000", "ffff"):
        yield code(mine, key=name)
        yield code(Chain(folder / f"chain-{name}").private(), key=name)
    thief = device(folder, chain.keys, "ginza-1", "ginza")
    signed = certificates.signature(chain.keys.issuer(now()), thief.file.read_bytes())
    head = signed_code.head(right, MEMBER, now(), timedelta(seconds=30))
    yield digits(head + signed[:64].ljust(64, b"\0"))
    yield digits(head + certificates.signature(chain.keys.root(now()), signed_code.signed(head))[:64])


def times(chain: Chain) -> Iterator[bytes]:
    """Rightly signed, of another time."""
    at = now()
    for days in range(1, 200):
        yield chain.code(made=at - timedelta(days=days))
        yield chain.code(made=at + timedelta(days=days))
    for seconds in range(60, 3600, 60):
        yield chain.code(made=at - timedelta(seconds=seconds + 30))
        yield chain.code(made=at + timedelta(seconds=seconds))


def junk(good: bytes, dice: random.Random) -> Iterator[bytes]:
    """Random bytes, control characters, what is nearly a code or a card, and other people's addresses."""
    for _ in range(4000):
        yield dice.randbytes(dice.choice((0, 1, 13, 77, 186, 300)))
    for _ in range(1500):
        yield "".join(dice.choice("0123456789") for _ in range(186)).encode()
    for _ in range(1500):
        first = dice.choice(("29", "20", "49", "978"))
        text = first + "".join(dice.choice("0123456789") for _ in range(12 - len(first)))
        yield (text + str((int(member_code.check_digit(text)) + dice.randint(1, 9)) % 10)).encode()
    for place in range(0, 186, 3):
        for char in (b"\0", b"\n", b"\x1b", b"\xd9", b" ", b"-", b"+", b"_", b"e"):
            yield good[:place] + char + good[place + 1 :]
    for value in range(256):
        yield NUMBER.encode() + bytes([value])
        yield bytes([value]) + NUMBER.encode()
        yield good + bytes([value])
        yield bytes([value]) + good
    yield from (good[:-1], good + good, good[1:], b" " + good, good.decode().translate(FULL_WIDTH).encode())
    yield from (b"9" * 186, b"0" * 186, b"1" * 100_000, b"0" * 186 + b"\n", NUMBER.translate(FULL_WIDTH).encode())
    for host in ("shop.example.evil.example", "evil.example", "shop.example@evil.example", "sh0p.example", "[::1]"):
        for rest in ("/p?sku=tea", "/p?sku=tea&store=ginza&zone=shelf", "/p?store=ginza", "/?sku=" + "x" * 4000):
            for scheme in ("https", "http", "javascript", "file", "HTTPS", ""):
                yield f"{scheme}://{host}{rest}".encode()
    for text in (SHOP + "?sku=\0tea", SHOP + "?sku=%00", SHOP + "?sku=tea\x1b[2J", "\u202e" + SHOP + "?sku=tea"):
        yield text.encode()


FULL_WIDTH = {ord(str(digit)): ord("０") + digit for digit in range(10)}


async def test_ten_thousand_hostile_codes_crash_nothing_and_none_is_taken(
    chain: Chain, tmp_path: Path, storage: Storage
) -> None:
    replica, ring, replays = Replica(storage, Seal(bytes(32)), "ginza"), Keyring(), Replays(storage)
    await replica.open()
    await replays.open()
    token = feeds.Token(customer="c1", means="code", number="77")
    rows = {member_code.token(KEY, "code", value): token for value in (MEMBER, NUMBER)}
    await take(replica, "tokens", rows)
    products = {"tea": feeds.Product(sku="tea", name={"ja": "お茶"}, yen=500, category="tea")}
    false = certificates.below(
        chain.keys.root(now()), "manifests", now(), timedelta(days=9), signs_certificates=False, private=(
            manifests := Ed25519PrivateKey.generate()
        ),
    ).pem  # fmt: skip
    ring.use(chain.row(chain.key().pem, false), chain.trust)
    identity = Identity(KEY, replica, ring, replays)
    good = chain.code()
    outcomes: Counter[str] = Counter()
    forged = [
        *every_bit(good),
        *signatures(chain),
        *keys(chain, tmp_path),
        code(manifests),
        code(manifests, key=chain.key().short),
        *junk(good, random.Random(6)),
    ]
    hostile = [*forged, *times(chain)]
    assert len(hostile) >= 10_000
    for content in hostile:
        known = identity.code(content, "till-camera", now(), safe=True)
        assert (known.customer, known.number, known.may_redeem) == (None, None, False), content[:200]
        assert posters.of(content, products, SHOP) is None, content[:200]
        outcomes[known.outcome] += 1
    assert set(outcomes) == {"wrong", "expired", "other"}
    assert outcomes["expired"] >= 300
    assert outcomes["wrong"] >= 800
    for content in forged:  # By a clock that nobody trusts a code has no age, and must be signed all the same.
        known = identity.code(content, "till-camera", now(), safe=False)
        assert (known.customer, known.number, known.signed) == (None, None, None), content[:200]
    assert identity.code(good, "till-camera", now(), safe=True).customer == "c1"


def test_the_key_of_a_chain_is_none_of_small_order(chain: Chain) -> None:
    assert public(chain.private()) not in SMALL
