"""The web shop and the app of the demo: tell central what somebody looks at and agrees to, and fetch their code."""

from __future__ import annotations

import base64
import ssl
import urllib.request
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPException

from msgspec import json

from central.demo.processes import DemoFailed

_PATIENCE_S = 2.0


@dataclass(frozen=True, slots=True)
class _Code:
    code: str


@dataclass(frozen=True, slots=True)
class _Codes:
    codes: tuple[_Code, ...]


class WebShop:
    """Knows central's address, a key (`central key`), and whose certificates to believe."""

    def __init__(self, central: str, key: str, trust: ssl.SSLContext) -> None:
        self._central = central
        self._key = base64.b64encode(f"{key}:".encode()).decode()
        # Central is on this machine, whatever proxy leads out of it.
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)
        )

    def view(self, customer: str, sku: str) -> None:
        """Say that the customer looks at a product now (Segment's Product Viewed). Raises DemoFailed."""
        now = datetime.now(UTC).isoformat()
        body = {
            "type": "track",
            "event": "Product Viewed",
            "userId": customer,
            "messageId": str(uuid.uuid4()),
            "timestamp": now,
            "sentAt": now,
            "properties": {"product_id": sku},
        }
        self._post("/v1/track", body)

    def agree(self, customer: str, purpose: str, *, gives: bool) -> None:
        """Say what the customer has chosen on the settings page. Raises DemoFailed."""
        self._post("/v1/consents", {"customer": customer, "give" if gives else "withdraw": [purpose]})

    def code(self, customer: str) -> str:
        """Fetch the code that their phone shows now. Raises DemoFailed."""
        return json.decode(self._post("/v1/codes", {"userId": customer}), type=_Codes).codes[0].code

    def _post(self, path: str, body: object) -> bytes:
        headers = {"Content-Type": "application/json", "Authorization": f"Basic {self._key}"}
        request = urllib.request.Request(f"{self._central}{path}", json.encode(body), headers)  # noqa: S310 - https.
        try:
            with self._opener.open(request, timeout=_PATIENCE_S) as answer:
                told: bytes = answer.read()
                return told
        except (OSError, HTTPException) as error:
            raise DemoFailed(
                f"The web shop did not reach central: {error}.", fix="Try again when central is up."
            ) from error
