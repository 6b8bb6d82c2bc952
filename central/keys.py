"""The chain's key tree in one folder: what is there, what is believed, what comes next, and who signs."""

from __future__ import annotations

import fcntl
import ssl
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from central import certificates
from central.certificates import CLIENT, SERVER, Private, Revoked, Signer
from central.contract import enrolment, signed_code
from central.errors import KeysUnusable
from ground import files

Purpose = Literal["root", "enrolment", "codes", "manifests", "releases"]
PURPOSES: tuple[Purpose, ...] = ("root", "enrolment", "codes", "manifests", "releases")
CENTRAL = "Central"
"""Central's own name in its certificates: no agent's, whose names have no capital letters."""

_YEAR = timedelta(days=365)
_ROOT_LASTS, _LASTS, AGENT_LASTS = 20 * _YEAR, 5 * _YEAR, _YEAR
_OVERLAP = timedelta(days=400)
"""How long a key and its next are both believed: longer than a device's certificate, so that each has met the next."""
_ROOT_OVERLAP = _LASTS + _OVERLAP
"""No key outlives the root that signed it."""
_OWN_LASTS, _OWN_OVERLAP = timedelta(days=90), timedelta(days=30)
_MOMENT = timedelta(minutes=1)
_MOST_OF_CODES = 16
"""Keys in one row of the feed `codes` (central.contract.feeds.Codes)."""
_HEARD = timedelta(days=7)
"""How old a key is before it signs codes: a store that was away for days must know it first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key(Signer):
    """One key of the tree."""

    purpose: Purpose

    @property
    def start(self) -> datetime:
        return self.certificate.not_valid_before_utc

    @property
    def until(self) -> datetime:
        return self.certificate.not_valid_after_utc

    @property
    def fingerprint(self) -> str:
        """How a one-time code names it."""
        return enrolment.fingerprint(certificates.public_bytes(self.private.public_key()))

    @property
    def short(self) -> str:
        """How a member code names it."""
        return _short(self.private)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A device's certificate: its number and its issuer's id as the table has them, and what the device keeps."""

    serial: str
    issuer: str
    until: datetime
    pem: str
    """The device's own, then its issuer's."""


class Keys:
    """Private parts never leave the folder; a command that changes it beside us is noticed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: frozenset[str] = frozenset()
        self._known: tuple[Key, ...] = ()

    @classmethod
    def open(cls, folder: Path, at: datetime, *, begun: bool = False) -> Keys:
        """Use the keys in this folder; what is not there, or ends soon, is made. Raises KeysUnusable.

        A chain that has `begun` gets no new root by itself: no device would believe it.
        """
        keys = cls(folder)
        if begun and not keys.all():
            raise KeysUnusable(
                f"There are no keys in {folder}, and devices have certificates that hang on them.",
                fix="Mount it, or put its backup there. `noren central keys` begins a new chain: all enrol anew.",
            )
        keys.care(at)
        return keys

    def all(self) -> tuple[Key, ...]:
        """Every key that was made and is of use, the oldest of each purpose first. Raises KeysUnusable."""
        try:
            # Not by glob: from Python 3.13 on it says nothing of a folder that cannot be read.
            names = frozenset(file.name for file in self._folder.iterdir() if file.match("*-*.pem"))
            if names != self._seen:
                # A certificate's times are whole seconds: of two within one the file written later is the later.
                files = sorted((self._folder / name for name in names), key=lambda file: file.stat().st_mtime_ns)
                keys = filter(_is_of_use, map(_read_key, files))
                self._known = tuple(sorted(keys, key=lambda key: (PURPOSES.index(key.purpose), key.start)))
                self._seen = names
        except FileNotFoundError:  # They are to be made.
            return ()
        except OSError as error:
            raise _unusable(self._folder, error) from error
        return self._known

    def of(self, purpose: Purpose, at: datetime) -> tuple[Key, ...]:
        """Those that are believed, the oldest first; by a clock that is behind also those made later."""
        return tuple(key for key in self.all() if key.purpose == purpose and at < key.until)

    def care(self, at: datetime) -> None:
        """Make what is not there, and the next of what ends within its overlap. Raises KeysUnusable."""
        with _alone(self._folder):
            for purpose in PURPOSES:
                overlap = _ROOT_OVERLAP if purpose == "root" else _OVERLAP
                if not any(key.until - at > overlap for key in self.of(purpose, at)):
                    self._make(purpose, at)

    def rotate(self, purpose: Purpose, at: datetime) -> Key:
        """Make the next key of a purpose; those before it are believed until they end. Raises KeysUnusable."""
        with _alone(self._folder):
            return self._make(purpose, at)

    def root(self, at: datetime) -> Key:
        """The root that signs: a new one only once every device has heard of it."""
        roots = self.of("root", at)
        return next((key for key in reversed(roots) if at - key.start > _OVERLAP), roots[0])

    def anchor(self, at: datetime) -> Key:
        """The root that central's own certificates hang on now."""
        made_by = self.issuer(at).certificate.issuer
        return next(key for key in self.of("root", at) if key.certificate.subject == made_by)

    def issuer(self, at: datetime) -> Key:
        """The enrolment key that signs now."""
        found = self.of("enrolment", at)
        return next((key for key in reversed(found) if key.start <= at), found[0])

    def signed(self, purpose: Purpose, data: bytes, at: datetime) -> tuple[bytes, str]:
        """Sign with the newest key of a purpose; gives the signature (ECDSA over SHA-256) and the key's certificate.

        The same for the same data and key.
        """
        found = self.of(purpose, at)
        key = next((key for key in reversed(found) if key.start <= at), found[0])
        return certificates.signature(key, data), key.pem

    def of_codes(self, at: datetime) -> tuple[Key, ...]:
        """The keys that stores believe member codes of, the newest last: as many as the feed takes."""
        return self.of("codes", at)[-_MOST_OF_CODES:]

    def signs_codes(self, at: datetime) -> Key:
        """The key of the codes that end then: the newest that every store has heard of. Raises KeysUnusable."""
        found = self.of_codes(at)
        if not found:  # The only one was taken out.
            self.care(at)
            found = self.of_codes(at)
        return next((key for key in reversed(found) if key.start + _HEARD <= at), found[0])

    def trusted(self, at: datetime) -> str:
        """All roots in PEM: what devices believe."""
        return "".join(key.pem for key in self.of("root", at))

    def believed(self, at: datetime) -> str:
        """Roots and enrolment keys in PEM: what a broker believes."""
        return self.trusted(at) + "".join(key.pem for key in self.of("enrolment", at))

    def revocations(self, revoked: Iterable[Revoked], at: datetime) -> str:
        """One list for each enrolment key, in PEM: a broker that checks lists lets nobody in without one."""
        ended = tuple(revoked)
        return "".join(certificates.revocation_list(key, ended, at) for key in self.of("enrolment", at))

    def listed(self, lists: str, at: datetime) -> list[Revoked]:
        """What earlier lists of ours hold of certificates that have not run out, by the time of their end at most."""
        found = [one for key in self.of("enrolment", at) for one in certificates.listed(lists, key)]
        return [one for one in found if at - one.at < AGENT_LASTS]

    def issue(self, agent: str, store: str, request: str, at: datetime) -> Issued:
        """Certify the key that a device made. Raises BadRequest."""
        key = certificates.requested_key(request)
        signer = self.issuer(at)
        made = certificates.leaf(signer, key, agent, CLIENT, at, AGENT_LASTS, organisation=store)
        pem = certificates.certificate_pem(made) + signer.pem
        return Issued(serial=f"{made.serial_number:x}", issuer=signer.id, until=made.not_valid_after_utc, pem=pem)

    def server(self, names: Sequence[str], at: datetime) -> Path:
        """Give the file with the key and certificate of central's listeners, made anew in time."""
        return self._own("server.pem", names, at)

    def client(self, at: datetime) -> Path:
        """Give the file with the key and certificate that central shows to brokers, made anew in time."""
        return self._own("central.pem", (), at)

    def passing(self, agent: str, at: datetime) -> ssl.SSLContext:
        """Be that agent for a minute: central takes its session over, to end it. Raises KeysUnusable."""
        private, signer = certificates.new_key(), self.issuer(at)
        made = certificates.leaf(signer, private.public_key(), agent, CLIENT, at, _MOMENT)
        context = self.trust(at)
        try:
            with TemporaryDirectory(dir=self._folder) as folder:
                file = Path(folder) / "passing"
                files.put(file, _pem(private, made, signer))
                context.load_cert_chain(file)
        except OSError as error:
            raise _unusable(self._folder, error) from error
        return context

    def trust(self, at: datetime) -> ssl.SSLContext:
        """What central's own connections go by: TLS 1.3, and the chain's roots."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_verify_locations(cadata=self.trusted(at))
        return context

    def _make(self, purpose: Purpose, at: datetime) -> Key:
        if purpose == "root":
            made = certificates.root(purpose, at, _ROOT_LASTS)
        else:
            private = code_key({key.short for key in self.of("codes", at)}) if purpose == "codes" else None
            signs = purpose == "enrolment"
            made = certificates.below(self.root(at), purpose, at, _LASTS, signs_certificates=signs, private=private)
        key = Key(purpose=purpose, private=made.private, certificate=made.certificate)
        # What it signs is with others before the disk would have settled by itself.
        files.put(self._folder / f"{purpose}-{key.id}.pem", (certificates.private_pem(key.private) + key.pem).encode())
        return key

    def _own(self, name: str, names: Sequence[str], at: datetime) -> Path:
        file = self._folder / name
        with _alone(self._folder):
            signer = self.issuer(at)
            if not _is_good(file, signer, names, at):
                private = certificates.new_key()
                use = SERVER if names else CLIENT
                made = certificates.leaf(signer, private.public_key(), CENTRAL, use, at, _OWN_LASTS, hosts=names)
                files.put(file, _pem(private, made, signer))
        return file


def _is_good(file: Path, signer: Signer, names: Sequence[str], at: datetime) -> bool:
    try:
        made = x509.load_pem_x509_certificate(file.read_bytes())
        named = certificates.hosts_of(made) if names else set()
        made.verify_directly_issued_by(signer.certificate)
    except (OSError, ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    start, until = made.not_valid_before_utc, made.not_valid_after_utc
    return named == set(names) and start <= at < until - _OWN_OVERLAP


def _read_key(file: Path) -> Key:
    try:
        data = file.read_bytes()
        private = load_pem_private_key(data, password=None)
        certificate = x509.load_pem_x509_certificate(data)
        purpose = next(one for one in PURPOSES if file.name.startswith(f"{one}-"))
    except (ValueError, TypeError, StopIteration, x509.InvalidVersion) as error:
        raise KeysUnusable(f"{file} is no key of ours.", fix="Take it out of that folder, or restore it.") from error
    kinds = Private if purpose == "codes" else EllipticCurvePrivateKey
    if not isinstance(private, kinds) or private.public_key() != certificate.public_key():
        raise KeysUnusable(f"{file}: key and certificate do not fit.", fix="Restore it.")
    return Key(purpose=purpose, private=private, certificate=certificate)


def _is_of_use(key: Key) -> bool:
    # Chains from before there were member codes have a key for them on P-256, which has signed nothing.
    return key.purpose != "codes" or isinstance(key.private, Ed25519PrivateKey)


def code_key(taken: Collection[str]) -> Ed25519PrivateKey:
    """Make a key for codes whose short name is none of these: a code has room for two bytes of it."""
    while _short(made := Ed25519PrivateKey.generate()) in taken:
        pass
    return made


def _short(private: Private) -> str:
    return signed_code.key_id(private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))


def _pem(private: EllipticCurvePrivateKey, made: x509.Certificate, signer: Key) -> bytes:
    return (certificates.private_pem(private) + certificates.certificate_pem(made) + signer.pem).encode()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes from making the same keys."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise _unusable(folder, error) from error


def _unusable(folder: Path, error: OSError) -> KeysUnusable:
    return KeysUnusable(
        f"The keys in {folder} cannot be used: {error.strerror}.", fix="Check its owner and its free space."
    )
