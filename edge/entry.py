"""Lets this device in by a one-time code, which also says whom it may believe."""

from __future__ import annotations

import encodings.idna  # noqa: F401 - Looked up when first connecting: then Python's folder may be closed to who we are.
import http.client
import os
import re
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from central.contract import codec
from central.contract.codec import Unreadable
from central.contract.enrolment import CROCKFORD, Enrol, Enrolled, fingerprint
from edge import enrolment
from edge.config import Broker, EdgeConfig
from edge.enrolment import IDENTITY, Enrolment, Papers, Terms
from edge.errors import EdgeError
from edge.seal import Seal, about, sealing_key
from ground import owner

SECRET, FINGERPRINT = 12, 16
"""Characters of a code: what is good once, and of the hash of the root's key."""
PATIENCE = 15.0
"""Seconds that central may take for each step."""
MOST = 200_000
"""Bytes of an answer."""
_CODE = re.compile(
    r"^(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s/\[\]:]{1,253}):(?P<port>[0-9]{1,5})/(?P<letters>[0-9A-Za-z-]+)\Z"
)
_ALIKE = str.maketrans({"O": "0", "I": "1", "L": "1"})
"""Crockford's base 32 has none of these, so that whoever types them means their likes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What a one-time code says: where central is, the secret, and which root it believes itself."""

    host: str
    port: int
    secret: str
    fingerprint: str

    @property
    def where(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Error:
    message: str


def read_code(text: str) -> Code:
    """Take a code apart as a person has typed it. Raises EdgeError."""
    found = _CODE.match(text.strip())
    letters = found["letters"].replace("-", "").upper().translate(_ALIKE) if found else ""
    if not found or len(letters) != SECRET + FINGERPRINT or not set(letters) <= set(CROCKFORD):
        raise EdgeError(
            f"{text!r} is no code.",
            fix="It looks like central.example:8710/K3F9-…, as `noren central enrol STORE` prints it, all on one line.",
        )
    port = int(found["port"])
    if not 1 <= port <= 65535:
        raise EdgeError(f"{text!r} is no code: there is no port {port}.")
    host = found["host"].strip("[]")
    return Code(host=host, port=port, secret=letters[:SECRET], fingerprint=letters[SECRET:])


def enrol(config: EdgeConfig, text: str, *, again: bool = False) -> Enrolment:
    """Make a key, have central certify it, and keep both in the agent's folder. Raises EdgeError."""
    code = read_code(text)
    _as_owner(config.folder)
    before = _before(config.folder, again)
    seal = _seal(config)
    root = _root(code)
    key = enrolment.made_key()
    enrolled = _ask(code, root, Enrol(code=code.secret, request=enrolment.request(key)))
    papers = Papers(
        key=key,
        certificate=enrolled.certificate,
        trust=enrolled.trust,
        terms=Terms(
            store=enrolled.store,
            agent=enrolled.agent,
            brokers=tuple(Broker(host=where.host, port=where.port) for where in enrolled.brokers),
            assets=enrolled.assets,
        ),
        token=None
        if seal is None
        else seal.seal(bytes.fromhex(enrolled.token_key), about("token-key", enrolled.store)),
    )
    enrolment.check(papers)
    new = enrolment.keep(config.folder, papers)
    if before:
        enrolment.forget_before(new)  # Central has revoked it.
    return new


def _as_owner(folder: Path) -> None:
    """Have what root makes here belong to whom the folder belongs to: that is who runs the agent."""
    try:
        owner.become(folder)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = folder / "enrol.probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise EdgeError(
            f"The folder {folder} cannot be written: {error.strerror}.",
            fix="Run as its owner, make room, or correct edge.folder.",
        ) from error


def _before(folder: Path, again: bool) -> bool:
    """Whether there is an identity already. Raises EdgeError where nobody said that it may go."""
    if not os.path.lexists(folder / IDENTITY):
        return False
    if not again:
        known = enrolment.load(folder)
        raise EdgeError(
            f"This device is enrolled already, as {known.agent} of {known.store}.",
            fix="To enrol it anew, give --again and a new code.",
        )
    return True


def _seal(config: EdgeConfig) -> Seal | None:
    """What seals the store's token key here; None where only the running agent can, which then asks for it."""
    if config.sealing == "credential" and not os.environ.get("CREDENTIALS_DIRECTORY"):
        return None
    key = sealing_key(config.sealing, config.folder)
    return Seal(key) if key else None


def _root(code: Code) -> str:
    """The root that the code names, as PEM: whoever answers is believed for nothing else. Raises EdgeError."""
    nobody = enrolment.bare_context()
    nobody.check_hostname = False
    nobody.verify_mode = ssl.CERT_NONE
    status, body = _call(code, nobody, "GET", "/v1/roots")
    try:
        roots = x509.load_pem_x509_certificates(body) if status == http.client.OK else []
        keys = [root.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for root in roots]
    except enrolment.NOT_READ:
        roots, keys = [], []
    if not roots:
        raise EdgeError(f"What answers at {code.where} is no central of Noren.", fix="Check the code's first part.")
    for root, key in zip(roots, keys, strict=True):
        if fingerprint(key) == code.fingerprint:
            return root.public_bytes(Encoding.PEM).decode()
    raise EdgeError(
        f"The central at {code.where} is not the one that made this code.",
        fix="Check each letter of the code. Where it is right, somebody stands between: do not go on.",
    )


def _ask(code: Code, root: str, question: Enrol) -> Enrolled:
    believed = enrolment.bare_context()
    believed.load_default_certs()
    believed.load_verify_locations(cadata=root)
    status, body = _call(code, believed, "POST", "/v1/enrol", codec.encode(question))
    if status == http.client.OK:
        try:
            return codec.decode(body, Enrolled)
        except Unreadable as error:
            raise EdgeError(
                f"Central's answer cannot be read: {error}.", fix="Is this program older than central? Update it."
            ) from error
    raise _refused(code, status, _said(body))


def _refused(code: Code, status: int, said: str) -> EdgeError:
    match status:
        case http.client.FORBIDDEN:
            return EdgeError(
                "Central does not take this code: it is unknown, used, or older than a day.",
                # Also where it was this device that used it, and the answer was lost on its way.
                fix="Have a new one made, for the agent that it was for: noren central enrol STORE AGENT",
            )
        case http.client.TOO_MANY_REQUESTS:
            return EdgeError("Central has met too many wrong codes.", fix="Try again in a minute.")
        case _:
            return EdgeError(f"Central at {code.where} answers {status}{said}.", fix="See its log.")


def _said(body: bytes) -> str:
    """The sentence in an error's JSON, cut short; or nothing."""
    try:
        said = codec.decode(body, _Error).message
    except Unreadable:
        return ""
    return f": {said[:300].rstrip('.')}" if said and said.isprintable() else ""


def _call(code: Code, context: ssl.SSLContext, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPSConnection(code.host, code.port, timeout=PATIENCE, context=context)
    try:
        headers = {"Content-Type": "application/json"} if body else {}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(MOST)
    except ssl.SSLCertVerificationError as error:
        raise EdgeError(
            f"The central at {code.where} shows a certificate that its own root has not made for that name: "
            f"{error.verify_message}.",
            fix="Add the name to central.names. Where it is there, somebody stands between: do not go on.",
        ) from error
    except ssl.SSLError as error:
        raise EdgeError(
            f"What answers at {code.where} does not speak TLS 1.3: {error.reason or error}.",
            fix="Check the code's first part: it is central's HTTP address.",
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise EdgeError(
            f"No central answers at {code.where}: {error}.",
            fix="See that it runs, and that this device reaches it there.",
        ) from error
    finally:
        connection.close()
