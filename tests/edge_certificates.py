"""Roots and certificates as a chain's central would make them, and as a stranger or a mistake would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from central.contract.enrolment import fingerprint
from edge.config import Broker
from edge.enrolment import Enrolment, Papers, Terms, keep, made_key

NOW = datetime.now(UTC).replace(microsecond=0)
YEAR = timedelta(days=365)
PEM = serialization.Encoding.PEM


@dataclass
class Authority:
    """A root and the CA below it that signs everything."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=made_key)
    root_key: ec.EllipticCurvePrivateKey = field(default_factory=made_key)

    def __post_init__(self) -> None:
        self.root = self._certificate("root", self.root_key, "root", self.root_key, ca=1)
        self.certificate = self._certificate("enrolment", self.key, "root", self.root_key, ca=0)

    @property
    def roots(self) -> str:
        return self.root.public_bytes(PEM).decode()

    @property
    def fingerprint(self) -> str:
        public = self.root_key.public_key()
        return fingerprint(
            public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        )

    def agent(
        self,
        key: ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey,
        agent: str = "ginza-1",
        store: str = "ginza",
        *,
        since: datetime = NOW - timedelta(hours=1),
        lasts: timedelta = YEAR,
    ) -> str:
        """The agent's certificate and the CA's, as PEM."""
        made = self._certificate(agent, key, "enrolment", self.key, store=store, since=since, lasts=lasts, client=True)
        return made.public_bytes(PEM).decode() + self.certificate.public_bytes(PEM).decode()

    def server(
        self, folder: Path, names: Sequence[str] = ("127.0.0.1",), *, since: datetime = NOW, lasts: timedelta = YEAR
    ) -> Path:
        """One file with the key and the certificates of a server."""
        key = made_key()
        made = self._certificate("server", key, "enrolment", self.key, since=since, lasts=lasts, names=names)
        private = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "server.pem"
        file.write_bytes(private + made.public_bytes(PEM) + self.certificate.public_bytes(PEM))
        return file

    def papers(self, brokers: Sequence[Broker] = (), agent: str = "ginza-1", **more: object) -> Papers:
        key = made_key()
        return Papers(
            key=key,
            certificate=self.agent(key, agent, **more),  # type: ignore[arg-type]  # The caller's own keywords.
            trust=self.roots,
            terms=Terms(store="ginza", agent=agent, brokers=tuple(brokers), assets="https://central.test/assets"),
            token=None,
        )

    def enrolled(self, folder: Path, brokers: Sequence[Broker] = ()) -> Enrolment:
        """An agent's folder with an identity in it."""
        folder.mkdir(parents=True, exist_ok=True)
        return keep(folder, self.papers(brokers))

    def listener(self, folder: Path, port: int, file: Path) -> list[str]:
        """The lines of mosquitto's configuration for a listener that lets in whom this authority has certified."""
        trust = folder / "trust.pem"
        trust.write_text(self.roots + self.certificate.public_bytes(PEM).decode())
        return [
            "per_listener_settings false",
            "allow_anonymous false",
            f"listener {port} 127.0.0.1",
            "tls_version tlsv1.3",
            f"cafile {trust}",
            f"certfile {file}",
            f"keyfile {file}",
            "require_certificate true",
            "use_identity_as_username true",
        ]

    def _certificate(
        self,
        name: str,
        key: ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey,
        by: str,
        by_key: ec.EllipticCurvePrivateKey,
        *,
        store: str = "",
        since: datetime = NOW - timedelta(hours=1),
        lasts: timedelta = YEAR,
        names: Sequence[str] = (),
        client: bool = False,
        ca: int | None = None,
    ) -> x509.Certificate:
        public = key.public_key() if isinstance(key, ec.EllipticCurvePrivateKey) else key
        organisation = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, store)] if store else []
        made = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([*organisation, x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, by)]))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(since)
            .not_valid_after(since + lasts)
            .add_extension(x509.BasicConstraints(ca=ca is not None, path_length=ca), critical=True)
        )
        if ca is None:
            use = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
            made = made.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        if names:
            made = made.add_extension(x509.SubjectAlternativeName([_san(name) for name in names]), critical=False)
        return made.sign(by_key, hashes.SHA256())


def _san(name: str) -> x509.GeneralName:
    return x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
