"""The web shop of the demo: tells central over HTTP what somebody looks at."""

from __future__ import annotations

import base64
import urllib.request
import uuid
from datetime import UTC, datetime

from msgspec import json

from central.demo.processes import DemoFailed

_PATIENCE_S = 2.0


class WebShop:
    """Knows central's address and a write key (`central key`)."""

    def __init__(self, central: str, key: str) -> None:
        self._track = f"{central}/v1/track"
        self._key = base64.b64encode(f"{key}:".encode()).decode()

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
        headers = {"Content-Type": "application/json", "Authorization": f"Basic {self._key}"}
        request = urllib.request.Request(self._track, json.encode(body), headers)  # noqa: S310 - central's own address.
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE_S):  # noqa: S310
                pass
        except OSError as error:
            raise DemoFailed(
                f"The web shop did not reach central: {error}.", fix="Try again when central is up."
            ) from error
