"""A list of files is believed only as central has signed it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from chain_keys import device, now
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from edge_pages import take

from central import certificates
from central.catalogue import Kept
from central.contract.codec import encode
from central.contract.feeds import Asset, Manifest
from central.feeds import manifests as central
from central.keys import Keys
from edge import manifests
from edge.errors import EdgeError
from edge.replica import Replica, Signed
from edge.seal import Seal
from edge.storage import Storage

FILE = "a" * 63 + "1"
OTHER = "b" * 64


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys.open(tmp_path_factory.mktemp("keys"), now())


def signed(keys: Keys, key: str = "a", *digests: str, listed: str | None = None) -> Manifest:
    """As central makes it, with these files or this list."""
    assets = [Asset(digest=digest, size=7, kind="png") for digest in digests or (FILE,)]
    text = encode(assets).decode() if listed is None else listed
    signature, certificate = keys.signed("manifests", manifests.signed(key, text), now())
    return Manifest(assets=text, signature=_base64(signature), certificate=certificate)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_what_central_makes_is_believed_and_gives_sizes(keys: Keys) -> None:
    kept = [
        Kept(digest=digest, size=size, kind="png", name="x", made=now()) for digest, size in ((FILE, 0), (OTHER, 1))
    ]
    made = {
        key: manifest
        for one in kept
        for key, manifest in central.made(
            {one.digest: one}, one.digest[0], lambda data: keys.signed("manifests", data, now())
        )
    }
    for key, manifest in made.items():
        manifests.check(key, manifest, keys.trusted(now()), now())
    assert manifests.sizes(made.values()) == {FILE: 0, OTHER: 1}


def test_a_clock_that_nobody_knows_holds_nothing_up(keys: Keys) -> None:
    manifests.check("a", signed(keys), keys.trusted(now()), None)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda one: Manifest(assets=one.assets + " ", signature=one.signature, certificate=one.certificate), "not"),
        (lambda one: Manifest(assets=one.assets, signature="!", certificate=one.certificate), "not central's"),
        (lambda one: Manifest(assets=one.assets, signature="", certificate=one.certificate), "not central's"),
        (lambda one: Manifest(assets=one.assets, signature=one.signature, certificate="-----"), "no certificate"),
    ],
)
def test_a_byte_that_was_changed_is_seen(keys: Keys, change: Callable[[Manifest], Manifest], said: str) -> None:
    with pytest.raises(EdgeError, match=said):
        manifests.check("a", change(signed(keys)), keys.trusted(now()), now())


def test_a_part_cannot_stand_for_another_one(keys: Keys) -> None:
    with pytest.raises(EdgeError, match="not central's"):
        manifests.check("b", signed(keys), keys.trusted(now()), now())
    with pytest.raises(EdgeError, match="not of its part"):
        manifests.check("a", signed(keys, "a", FILE, OTHER), keys.trusted(now()), now())


def test_another_chains_key_vouches_for_nothing(keys: Keys, tmp_path: Path) -> None:
    stranger = Keys.open(tmp_path, now())
    with pytest.raises(EdgeError, match="of no root"):
        manifests.check("a", signed(stranger), keys.trusted(now()), now())


@pytest.mark.parametrize("purpose", ["codes", "enrolment", "releases"])
def test_the_chains_other_keys_may_not_sign_lists(keys: Keys, purpose: str) -> None:
    [key] = [one for one in keys.all() if one.purpose == purpose]
    text = encode([Asset(digest=FILE, size=7, kind="png")]).decode()
    signature = certificates.signature(key, manifests.signed("a", text))
    made = Manifest(assets=text, signature=_base64(signature), certificate=key.pem)
    with pytest.raises(EdgeError, match="not for manifests"):
        manifests.check("a", made, keys.trusted(now()), now())


def test_a_device_cannot_make_itself_a_signer(keys: Keys, tmp_path: Path) -> None:
    """Its own certificate hangs on a root too: what it signs must not."""
    thief = device(tmp_path, keys, "ginza-1", "ginza")
    private = load_pem_private_key(thief.file.read_bytes(), None)
    chain = thief.file.read_text()
    own = x509.load_pem_x509_certificates(chain[chain.index("-----BEGIN CERTIFICATE") :].encode())
    signer = certificates.Signer(private=private, certificate=own[0])  # type: ignore[arg-type]  # It is P-256.
    forged = certificates.below(signer, "manifests", now(), timedelta(days=9), signs_certificates=False)
    text = encode([Asset(digest=FILE, size=7, kind="png")]).decode()
    signature = certificates.signature(forged, manifests.signed("a", text))
    pem = forged.pem + "".join(map(certificates.certificate_pem, own))
    with pytest.raises(EdgeError, match="of no root"):
        manifests.check(
            "a", Manifest(assets=text, signature=_base64(signature), certificate=pem), keys.trusted(now()), None
        )


def test_a_key_that_has_ended_signs_no_more(keys: Keys) -> None:
    with pytest.raises(EdgeError, match="has ended"):
        manifests.check("a", signed(keys), keys.trusted(now()), now() + timedelta(days=6 * 365))


def test_a_list_that_is_none_is_refused_though_signed(keys: Keys) -> None:
    with pytest.raises(EdgeError, match="cannot be read"):
        manifests.check("a", signed(keys, listed='{"no": "list"}'), keys.trusted(now()), now())


async def test_a_part_that_is_not_centrals_is_set_aside_and_the_last_good_one_goes_on(
    keys: Keys, storage: Storage
) -> None:
    replica = Replica(storage, Seal(bytes(32)), "ginza")

    def check(key: str, row: Signed) -> None:
        assert isinstance(row, Manifest)
        manifests.check(key, row, keys.trusted(now()), now())

    replica.check = check
    await replica.open()
    good = signed(keys)
    await take(replica, "manifest", {"a": good}, scope="chain")
    forged = Manifest(assets="[]", signature=good.signature, certificate=good.certificate)
    await take(replica, "manifest", {"a": forged}, scope="chain")
    assert replica.manifest(now()) == {"a": good}
    assert replica.counts["rows_aside"] == 1
    await replica.restart("chain", "manifest")
    await take(replica, "manifest", {"a": forged, "b": signed(keys, "b", OTHER)}, scope="chain")
    assert set(replica.manifest(now())) == {"a", "b"}
    assert replica.manifest(now())["a"] == good
    assert storage.read("SELECT count(*) FROM row_aside") == [(2,)]
    await take(replica, "manifest", {"a": None}, scope="chain")
    assert set(replica.manifest(now())) == {"b"}
