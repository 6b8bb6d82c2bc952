"""Whose signature on a member code is believed: a key for codes, below a root of this device, good at that time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from chain_keys import device, now
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from edge_pages import take
from edge_store import Later
from signed_codes import Chain, code, public

from central import certificates
from central.certificates import Signer
from central.contract import member_code, signed_code
from central.contract.feeds import Codes
from central.contract.signed_code import SignedCode
from edge import keyring
from edge.errors import EdgeError
from edge.keyring import Keyring
from edge.replica import Replica, Signed
from edge.seal import Seal
from edge.storage import Storage

YEAR = timedelta(days=365)


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    return Chain(tmp_path_factory.mktemp("keys"))


def read(content: bytes) -> SignedCode:
    signed = signed_code.read(content)
    assert signed is not None
    return signed


def knowing(chain: Chain, *keys: str) -> Keyring:
    ring = Keyring()
    ring.use(chain.row(*keys), chain.trust)
    return ring


def below(signer: Signer, private: Ed25519PrivateKey, what: str = "codes", lasts: timedelta = YEAR) -> str:
    return certificates.below(signer, what, now(), lasts, signs_certificates=False, private=private).pem


def test_what_central_signs_is_believed(chain: Chain) -> None:
    assert knowing(chain).verify(read(chain.code()))


def test_a_signature_can_be_written_one_way_only(chain: Chain) -> None:
    # RFC 8032, 5.1.7: S + L would hold as well, and the copy would have another name than the code that was used.
    good = read(chain.code())
    order = 2**252 + 27742317777372353535851937790883648493
    other = int.from_bytes(good.signature[32:], "little") + order
    copy = signed_code.digits(good.signed[-13:], good.signature[:32] + other.to_bytes(32, "little"))
    assert read(copy.encode()).digest != good.digest
    assert not knowing(chain).verify(read(copy.encode()))


def test_before_the_feed_has_come_no_key_is_known_and_cards_are_what_they_are_everywhere(chain: Chain) -> None:
    ring = Keyring()
    assert (ring.knows, ring.cards) == (False, member_code.CARDS)
    assert not ring.verify(read(chain.code()))
    ring.use(Codes(cards=(member_code.Card(prefix="77", length=10),), keys=()), chain.trust)
    assert (ring.knows, ring.cards[0].prefix) == (True, "77")
    ring.use(None, chain.trust)
    assert (ring.knows, ring.cards) == (False, member_code.CARDS)


def test_two_keys_overlap_and_one_that_is_withdrawn_signs_no_more(tmp_path: Path) -> None:
    chain = Chain(tmp_path)
    old = chain.code()
    chain.keys.rotate("codes", now())
    new = chain.code()
    assert read(old).key != read(new).key
    both = knowing(chain)
    assert both.verify(read(old))
    assert both.verify(read(new))
    withdrawn = knowing(chain, chain.key().pem)
    assert not withdrawn.verify(read(old))
    assert withdrawn.verify(read(new))


def test_a_key_signs_only_while_it_is_good(chain: Chain) -> None:
    ring = knowing(chain)
    key = chain.key()
    for made, good in (
        (key.start - timedelta(seconds=1), False),
        (key.start, True),
        (key.until - timedelta(seconds=1), True),
        (key.until, False),
    ):
        assert ring.verify(read(chain.code(made=made))) is good, made


def test_keys_that_share_an_id_are_each_tried(chain: Chain) -> None:
    """Two bytes name a key: of a few hundred two are alike."""
    seen: dict[str, Ed25519PrivateKey] = {}
    for _ in range(20_000):
        one = Ed25519PrivateKey.generate()
        other = seen.setdefault(signed_code.key_id(public(one)), one)
        if other is not one:
            break
    root = chain.keys.root(now())
    ring = knowing(chain, below(root, other), below(root, one))
    assert read(code(one)).key == read(code(other)).key
    assert ring.verify(read(code(one)))
    assert ring.verify(read(code(other)))
    assert not ring.verify(read(code(Ed25519PrivateKey.generate(), key=signed_code.key_id(public(one)))))


def strangers(chain: Chain, folder: Path, private: Ed25519PrivateKey) -> str:
    return below(Chain(folder).keys.root(now()), private)


def manifests(chain: Chain, _folder: Path, private: Ed25519PrivateKey) -> str:
    return below(chain.keys.root(now()), private, "manifests")


def enrolments(chain: Chain, _folder: Path, private: Ed25519PrivateKey) -> str:
    """Right in all but that no root has made it."""
    return below(chain.keys.issuer(now()), private)


def devices(chain: Chain, folder: Path, private: Ed25519PrivateKey) -> str:
    """What a device's own key has signed: that key is all that a stolen one holds."""
    thief = device(folder, chain.keys, "ginza-1", "ginza")
    own = load_pem_private_key(thief.file.read_bytes(), None)
    text = thief.file.read_text()
    certificate = x509.load_pem_x509_certificates(text[text.index("-----BEGIN CERTIFICATE") :].encode())[0]
    return below(Signer(private=own, certificate=certificate), private)  # type: ignore[arg-type]  # It is P-256.


def on_p256(chain: Chain, _folder: Path, _private: Ed25519PrivateKey) -> str:
    """As chains have it from before there were member codes."""
    root = chain.keys.root(now())
    return certificates.below(root, "codes", now(), YEAR, signs_certificates=False).pem


def signs_certificates(chain: Chain, _folder: Path, private: Ed25519PrivateKey) -> str:
    root = chain.keys.root(now())
    return certificates.below(root, "codes", now(), YEAR, signs_certificates=True, private=private).pem


def nothing(_chain: Chain, _folder: Path, _private: Ed25519PrivateKey) -> str:
    return "-----BEGIN CERTIFICATE-----"


FALSE = (strangers, manifests, enrolments, devices, on_p256, signs_certificates, nothing)


@pytest.mark.parametrize("made", FALSE)
def test_a_key_that_is_not_centrals_for_codes_is_left_out_and_the_others_stay(
    chain: Chain, tmp_path: Path, made: Callable[[Chain, Path, Ed25519PrivateKey], str]
) -> None:
    private = Ed25519PrivateKey.generate()
    false = made(chain, tmp_path, private)
    ring = knowing(chain, false, chain.key().pem)
    assert not ring.verify(read(code(private)))
    assert ring.verify(read(chain.code()))
    with pytest.raises(EdgeError):
        keyring.check(chain.row(chain.key().pem, false), chain.trust)


async def test_a_row_with_a_false_key_is_set_aside_and_the_last_good_one_goes_on(
    chain: Chain, tmp_path: Path, storage: Storage, later: Later
) -> None:
    replica = Replica(storage, Seal(bytes(32)), "ginza")

    def check(_: str, row: Signed) -> None:
        assert isinstance(row, Codes)
        keyring.check(row, chain.trust)

    replica.check = check
    await replica.open()
    assert replica.codes(now()) is None
    await take(replica, "codes", {"codes": chain.row()}, scope="chain")
    false = strangers(chain, tmp_path, Ed25519PrivateKey.generate())
    await take(replica, "codes", {"codes": chain.row(false)}, scope="chain")
    assert replica.codes(now()) == chain.row()
    assert replica.counts["rows_aside"] == 1
