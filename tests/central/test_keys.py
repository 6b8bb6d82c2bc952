"""The key tree: made once, believed while it overlaps, noticed by who has it open; a certificate is for one use."""

from __future__ import annotations

import multiprocessing
import resource
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from chain_keys import request
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from central import certificates
from central.certificates import Revoked
from central.contract import enrolment, signed_code
from central.errors import BadRequest, KeysUnusable
from central.keys import PURPOSES, Keys, code_key

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
YEAR = timedelta(days=365)
REQUEST = x509.load_pem_x509_csr(request().encode()).public_bytes(Encoding.DER)
HOSTS = ("central.example", "10.0.0.5", "::1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def ids(keys: Keys) -> list[tuple[str, str]]:
    return [(key.purpose, key.id) for key in keys.all()]


def signed_by(signer: certificates.Signer, certificate: x509.Certificate) -> None:
    certificate.verify_directly_issued_by(signer.certificate)


def test_one_root_signs_four_keys_and_private_parts_are_the_owners_alone(folder: Path) -> None:
    keys = Keys.open(folder, NOW)
    assert [key.purpose for key in keys.all()] == list(PURPOSES)
    root, enrolment_key, *rest = keys.all()
    for key in keys.all():
        signed_by(root, key.certificate)
        assert key.until - NOW == (20 * YEAR if key is root else 5 * YEAR)
        kind = ed25519.Ed25519PublicKey if key.purpose == "codes" else ec.EllipticCurvePublicKey
        assert isinstance(key.certificate.public_key(), kind)
        assert key.certificate.subject.rfc4514_string() == f"CN=Noren {key.purpose} {key.id}"
    constraint = enrolment_key.certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (constraint.critical, constraint.value.ca, constraint.value.path_length) == (True, True, 0)
    for key in rest:
        assert not key.certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        usage = key.certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        assert (usage.digital_signature, usage.key_cert_sign, usage.crl_sign) == (True, False, False)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in folder.glob("*.pem")} == {0o600}


def test_the_same_keys_are_there_the_next_time(folder: Path) -> None:
    assert ids(Keys.open(folder, NOW)) == ids(Keys.open(folder, NOW + timedelta(days=3)))


def test_a_clock_that_is_behind_makes_no_other_root(folder: Path) -> None:
    before = ids(Keys.open(folder, NOW))
    keys = Keys.open(folder, datetime(1970, 1, 2, tzinfo=UTC))
    assert ids(keys) == before
    assert keys.issue("pi-1", "ginza", request(), datetime(1970, 1, 2, tzinfo=UTC)).issuer == before[1][1]


def _open(folder: Path) -> list[tuple[str, str]]:
    return ids(Keys.open(folder, NOW))


def test_processes_that_begin_at_once_have_the_same_keys(folder: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        seen = pool.map(_open, [folder] * 4)
    assert len(set(map(tuple, seen))) == 1


def test_the_next_key_signs_from_now_on_and_the_one_before_is_believed_until_it_ends(folder: Path) -> None:
    keys, beside = Keys.open(folder, NOW), Keys.open(folder, NOW)
    first = keys.issuer(NOW)
    old = x509.load_pem_x509_certificates(keys.issue("pi-1", "ginza", request(), NOW).pem.encode())
    later = NOW + timedelta(days=30)
    second = keys.rotate("enrolment", later)
    assert keys.issuer(later).id == second.id == beside.issuer(later).id, "who had them open notices"
    new = x509.load_pem_x509_certificates(keys.issue("pi-1", "ginza", request(), later).pem.encode())
    assert [first.certificate, second.certificate] == [old[1], new[1]]
    assert first.pem in keys.believed(later)
    assert second.pem in keys.believed(later)
    assert first.pem not in keys.believed(first.until)


@pytest.mark.parametrize("days", [0, 400, 5 * 365 - 401, 5 * 365 - 399, 5 * 365 + 1, 15 * 365, 40 * 365])
def test_whenever_it_is_opened_everything_that_signs_outlives_what_it_signs(folder: Path, days: int) -> None:
    Keys.open(folder, NOW)
    at = NOW + timedelta(days=days)
    keys = Keys.open(folder, at)
    issued = keys.issue("pi-1", "ginza", request(), at)
    assert issued.until == at + YEAR
    signer = keys.issuer(at)
    assert signer.until >= issued.until
    roots = {key.certificate.subject: key for key in keys.of("root", at)}
    root = roots[signer.certificate.issuer]
    assert root.until >= signer.until
    assert keys.anchor(at).id == root.id


def test_a_new_root_signs_only_after_every_device_has_heard_of_it(folder: Path) -> None:
    keys = Keys.open(folder, NOW)
    first = keys.root(NOW)
    second = keys.rotate("root", NOW + timedelta(hours=5))
    assert (first.pem in keys.trusted(NOW), second.pem in keys.trusted(NOW)) == (True, True)
    for days, signs in ((0, first), (399, first), (402, second)):
        assert keys.root(NOW + timedelta(days=days)).id == signs.id
    at = NOW + timedelta(days=402)
    signed_by(second, keys.rotate("enrolment", at).certificate)
    assert keys.anchor(at).id == second.id, "codes name the root that a new device will meet"


def test_an_agents_certificate_is_for_a_client_of_that_name_only(folder: Path) -> None:
    keys = Keys.open(folder, NOW)
    wish = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Central")])
    private = certificates.new_key()
    asked = x509.CertificateSigningRequestBuilder(wish).add_extension(
        x509.BasicConstraints(ca=True, path_length=None), critical=True
    )
    asked = asked.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    issued = keys.issue("pi-1", "ginza", asked.sign(private, hashes.SHA256()).public_bytes(Encoding.PEM).decode(), NOW)
    made, signer = x509.load_pem_x509_certificates(issued.pem.encode())
    signed_by(keys.issuer(NOW), made)
    assert signer == keys.issuer(NOW).certificate
    assert [(part.oid, part.value) for part in made.subject] == [
        (NameOID.ORGANIZATION_NAME, "ginza"),
        (NameOID.COMMON_NAME, "pi-1"),
    ]
    extensions = made.extensions
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    with pytest.raises(x509.ExtensionNotFound):
        extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert (f"{made.serial_number:x}", made.not_valid_after_utc) == (issued.serial, NOW + YEAR)
    assert made.public_key() == private.public_key()


def other_request(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> str:
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    made = x509.CertificateSigningRequestBuilder(x509.Name([])).sign(key, digest)
    return made.public_bytes(Encoding.PEM).decode()


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "junk",
        "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
        "-----BEGIN CERTIFICATE REQUEST-----\n" + "A" * 1_000_000,
        "\x00" * 100,
        "証明書",
        "\ud800",
        other_request(rsa.generate_private_key(65537, 1024)),
        other_request(rsa.generate_private_key(65537, 2048)),
        other_request(ec.generate_private_key(ec.SECP192R1())),
        other_request(ec.generate_private_key(ec.SECP384R1())),
        other_request(ed25519.Ed25519PrivateKey.generate()),
    ],
    ids=range(12),
)
def test_a_request_that_is_none_or_for_another_kind_of_key_is_refused(folder: Path, asked: str) -> None:
    with pytest.raises(BadRequest):
        Keys.open(folder, NOW).issue("pi-1", "ginza", asked, NOW)


def test_a_request_for_a_key_that_its_sender_does_not_hold_is_refused() -> None:
    made = x509.load_pem_x509_csr(request().encode())
    other = made.public_bytes(Encoding.DER).replace(
        certificates.public_bytes(made.public_key()),  # type: ignore[arg-type]
        certificates.public_bytes(certificates.new_key().public_key()),
    )
    forged = x509.load_der_x509_csr(other).public_bytes(Encoding.PEM).decode()
    with pytest.raises(BadRequest, match="not signed by the key"):
        certificates.requested_key(forged)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_request_with_any_byte_changed_is_a_bad_request_or_as_good_as_before(data: st.DataObject) -> None:
    whole = bytearray(REQUEST)
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    body = ssl.DER_cert_to_PEM_cert(bytes(whole)).replace(" CERTIFICATE-", " CERTIFICATE REQUEST-")
    try:
        certificates.requested_key(body)
    except BadRequest:
        return
    raise AssertionError(f"byte {at} is not covered by the signature")


def test_central_has_a_server_and_a_client_certificate_made_anew_in_time(folder: Path) -> None:
    keys = Keys.open(folder, NOW)
    for at, fresh in ((NOW, True), (NOW + timedelta(days=59), False), (NOW + timedelta(days=61), True)):
        for make, use in ((keys.client, ExtendedKeyUsageOID.CLIENT_AUTH), (None, ExtendedKeyUsageOID.SERVER_AUTH)):
            file = make(at) if make else keys.server(HOSTS, at)
            made = x509.load_pem_x509_certificates(file.read_bytes())
            assert (made[0].not_valid_before_utc == at - timedelta(hours=1)) == fresh
            assert list(made[0].extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [use]
            assert made[1] == keys.issuer(at).certificate
            assert file.stat().st_mode & 0o777 == 0o600
    assert certificates.hosts_of(x509.load_pem_x509_certificate(keys.server(HOSTS, NOW).read_bytes())) == set(HOSTS)


@pytest.mark.parametrize("change", ["names", "junk", "rotated", "gone"])
def test_the_server_certificate_follows_its_names_and_its_issuer(folder: Path, change: str) -> None:
    keys = Keys.open(folder, NOW)
    file = keys.server(HOSTS, NOW)
    before = file.read_bytes()
    assert keys.server(HOSTS, NOW).read_bytes() == before
    if change == "junk":
        file.write_bytes(before[:300])
    elif change == "gone":
        file.unlink()
    elif change == "rotated":
        keys.rotate("enrolment", NOW + timedelta(hours=2))
    hosts = (*HOSTS, "other.example") if change == "names" else HOSTS
    made = keys.server(hosts, NOW + timedelta(hours=2)).read_bytes()
    assert made != before
    assert certificates.hosts_of(x509.load_pem_x509_certificate(made)) == set(hosts)


def test_there_is_a_revocation_list_for_each_issuer_also_an_empty_one(folder: Path) -> None:
    keys = Keys.open(folder, NOW)
    first = keys.issue("pi-1", "ginza", request(), NOW)
    later = NOW + timedelta(days=1)
    keys.rotate("enrolment", later)
    second = keys.issue("pi-2", "ginza", request(), later)
    keys.rotate("enrolment", later + timedelta(days=1))
    at = later + timedelta(days=2)
    revoked = [Revoked(serial=one.serial, issuer=one.issuer, at=later) for one in (first, second)]
    text = keys.revocations(revoked, at)
    parts = [part + "-----END X509 CRL-----\n" for part in text.split("-----END X509 CRL-----\n")[:-1]]
    found = [x509.load_pem_x509_crl(part.encode()) for part in parts]
    for signer, read, serials in zip(
        keys.of("enrolment", at), found, ([first.serial], [second.serial], []), strict=True
    ):
        public = signer.private.public_key()
        assert read.is_signature_valid(public)
        assert [f"{one.serial_number:x}" for one in read] == serials
        assert read.next_update_utc is not None
        assert read.next_update_utc > at + timedelta(days=2)


def test_a_broken_key_is_named_with_the_fix(folder: Path) -> None:
    keys = Keys.open(folder, NOW)
    root = keys.root(NOW).pem
    file = next(folder.glob("root-*.pem"))
    whole = file.read_text()
    for bad in ("", "junk", whole[:100]):
        file.write_text(bad)
        with pytest.raises(KeysUnusable, match=rf"{file.name} is no key of ours"):
            Keys.open(folder, NOW)
    file.write_text(certificates.private_pem(certificates.new_key()) + root)
    with pytest.raises(KeysUnusable, match="do not fit"):
        Keys.open(folder, NOW)
    file.write_text(whole)
    assert len(Keys.open(folder, NOW).all()) == 5


def test_a_folder_that_cannot_be_used_is_told_with_the_fix(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a file")
    with pytest.raises(KeysUnusable, match="Check its owner"):
        Keys.open(tmp_path / "keys", NOW)


def test_a_chain_that_has_begun_gets_no_new_root_by_itself(folder: Path) -> None:
    with pytest.raises(KeysUnusable, match="There are no keys in"):
        Keys.open(folder, NOW, begun=True)
    assert not list(folder.glob("*.pem")), "a new root would stand in the way of the old one"
    known = ids(Keys.open(folder, NOW))
    assert ids(Keys.open(folder, NOW, begun=True)) == known


def test_where_no_file_can_be_opened_for_a_while_that_is_said_and_central_goes_on(folder: Path) -> None:
    keys, (most, hard) = Keys.open(folder, NOW), resource.getrlimit(resource.RLIMIT_NOFILE)
    for use in (lambda: keys.issue("pi-1", "ginza", request(), NOW), lambda: keys.passing("pi-1", NOW)):
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))  # As when strangers hold all connections there are.
        try:
            with pytest.raises(KeysUnusable, match="Too many open files"):
                use()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        use()


def older(folder: Path, at: datetime) -> Path:
    """Put the key of codes there that chains of before there were codes have: on P-256, as all the others."""
    keys = Keys.open(folder, at)
    [key] = keys.of("codes", at)
    (folder / f"codes-{key.id}.pem").unlink()
    made = certificates.below(keys.root(at), "codes", at, 5 * YEAR, signs_certificates=False)
    file = folder / f"codes-{made.id}.pem"
    file.write_text(certificates.private_pem(made.private) + made.pem)
    return file


def test_a_chain_of_before_there_were_codes_gets_a_key_for_them_and_believes_the_old_one_no_more(folder: Path) -> None:
    file = older(folder, NOW)
    keys = Keys(folder)
    assert keys.of("codes", NOW) == ()
    assert [key.purpose for key in keys.all()] == ["root", "enrolment", "manifests", "releases"]
    others, later = ids(keys), NOW + 2 * YEAR
    keys = Keys.open(folder, later)
    [key] = keys.of_codes(later)
    assert isinstance(key.private, ed25519.Ed25519PrivateKey)
    assert keys.signs_codes(later) == key, "nobody waits a week for the first one"
    assert {*others, ("codes", key.id)} == set(ids(keys))
    assert file.exists(), "what somebody has put there nobody takes away"
    assert ids(Keys.open(folder, later)) == ids(keys)


def of_codes(keys: Keys, at: datetime) -> list[str]:
    return [key.id for key in keys.of_codes(at)]


def test_a_next_key_signs_codes_once_a_store_that_was_away_for_days_has_heard_of_it(folder: Path) -> None:
    keys = Keys.open(folder, NOW)
    [first] = keys.of_codes(NOW)
    later = NOW + timedelta(days=100)
    second = Keys.open(folder, later).rotate("codes", later)
    assert of_codes(keys, later) == [first.id, second.id], "stores get both at once"
    for days, signs in ((0, first), (6, first), (7, second), (5 * 365 - 101, second)):
        assert keys.signs_codes(later + timedelta(days=days)).id == signs.id
    assert of_codes(keys, first.until - timedelta(seconds=1)) == [first.id, second.id]
    assert of_codes(keys, first.until) == [second.id]
    assert keys.signs_codes(datetime(1970, 1, 2, tzinfo=UTC)).id == first.id, "also by a clock that is behind"


def test_a_next_key_that_nobody_has_heard_of_signs_when_the_one_before_ends(folder: Path) -> None:
    [first] = Keys.open(folder, NOW).of_codes(NOW)
    keys = Keys.open(folder, first.until - timedelta(days=1))  # Central was off for years.
    assert keys.signs_codes(first.until - timedelta(seconds=1)).id == first.id
    assert keys.signs_codes(first.until).id == keys.of_codes(first.until)[-1].id != first.id


def test_a_key_that_is_taken_out_is_believed_no_more_and_another_is_there_at_once(folder: Path) -> None:
    keys = Keys.open(folder, NOW)
    for _ in range(2):
        [taken] = keys.of_codes(NOW)
        (folder / f"codes-{taken.id}.pem").unlink()
        assert keys.of_codes(NOW) == ()
        assert keys.signs_codes(NOW).id != taken.id
    second = keys.rotate("codes", NOW + timedelta(hours=1))
    (folder / f"codes-{keys.of_codes(NOW)[0].id}.pem").unlink()
    assert keys.signs_codes(NOW + timedelta(hours=2)).id == second.id


def test_however_many_keys_of_codes_are_made_stores_know_the_one_that_signs(folder: Path) -> None:
    keys = Keys.open(folder, NOW)
    for minute in range(20):
        keys.rotate("codes", NOW + timedelta(minutes=minute))
    at = NOW + timedelta(hours=1)
    believed = keys.of_codes(at)
    assert (len(believed), len({key.short for key in believed})) == (16, 16)
    assert keys.signs_codes(at) in believed
    assert believed[-1].id == keys.of("codes", at)[-1].id


def test_two_keys_of_codes_never_have_one_short_name() -> None:
    taken = {f"{short:04x}" for short in range(0x10000) if short % 8}
    made = certificates.public_bytes(code_key(taken).public_key())[-32:]
    assert int(signed_code.key_id(made), 16) % 8 == 0


def test_keys_that_were_put_back_from_a_backup_sign_as_before(folder: Path, tmp_path: Path) -> None:
    keys = Keys.open(folder, NOW)
    keys.rotate("codes", NOW + timedelta(days=1))
    backup = tmp_path / "backup"
    backup.mkdir()
    for file in sorted(folder.glob("*.pem"), reverse=True):  # Other times of files, in another order.
        (backup / file.name).write_bytes(file.read_bytes())
    again = Keys.open(backup, NOW + timedelta(days=1))
    assert ids(again) == ids(keys)
    for days in (1, 20):
        at = NOW + timedelta(days=days)
        one, other = keys.signs_codes(at), again.signs_codes(at)
        assert one.certificate == other.certificate
        assert certificates.signature(one, b"code") == certificates.signature(other, b"code")


def test_a_key_of_the_wrong_kind_is_named_with_the_fix(folder: Path) -> None:
    keys = Keys.open(folder, NOW)
    private = ed25519.Ed25519PrivateKey.generate()
    made = certificates.below(keys.root(NOW), "manifests", NOW, YEAR, signs_certificates=False, private=private)
    (folder / f"manifests-{made.id}.pem").write_text(certificates.private_pem(private) + made.pem)
    with pytest.raises(KeysUnusable, match=rf"manifests-{made.id}.pem: key and certificate do not fit"):
        keys.all()


def test_a_fingerprint_has_sixteen_letters_that_nobody_mixes_up(folder: Path) -> None:
    root = Keys.open(folder, NOW).root(NOW)
    assert len(root.fingerprint) == 16
    assert set(root.fingerprint) <= set(enrolment.CROCKFORD)
    assert set("ILOU").isdisjoint(enrolment.CROCKFORD)
    assert enrolment.fingerprint(b"noren") == "4HHK6DV6FNFSPDK4"
