"""Who may look and press: this page, and nobody's page beside it in the same browser."""

from __future__ import annotations

from http.client import HTTPConnection

import pytest
from browser.served import Served

SOCKET = "/_nicegui_ws/socket.io/?EIO=4&transport="
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


def ask(served: Served, method: str, path: str, **headers: str) -> tuple[int, dict[str, str]]:
    connection = HTTPConnection("127.0.0.1", served.port, timeout=30)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders())
    finally:
        connection.close()


@pytest.mark.parametrize("origin", ["http://somebody.example", "http://127.0.0.1:1", "https://127.0.0.1:{}", "null"])
def test_another_page_can_neither_connect_nor_ask(served: Served, origin: str) -> None:
    foreign = {"Origin": origin.format(served.port)}
    assert ask(served, "GET", f"{SOCKET}websocket", **UPGRADE, **foreign)[0] == 403
    assert ask(served, "GET", f"{SOCKET}polling", **foreign)[0] == 403
    assert ask(served, "POST", f"{SOCKET}polling", **foreign)[0] == 403
    assert ask(served, "GET", "/", **foreign)[0] == 403


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_this_page_can(served: Served, name: str) -> None:
    own = {"Host": f"{name}:{served.port}", "Origin": f"http://{name}:{served.port}"}
    assert ask(served, "GET", f"{SOCKET}websocket", **UPGRADE, **own)[0] == 101
    assert ask(served, "GET", f"{SOCKET}polling", **own)[0] == 200


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/", {}, 200),
        ("/screen/ginza-till", {}, 200),
        ("/screen/nowhere", {}, 404),
        ("/nothing", {}, 404),
        ("/", {"Host": "somebody.example"}, 400),
        ("/", {"Origin": "http://somebody.example"}, 403),
        (f"{SOCKET}websocket", UPGRADE | {"Origin": "http://somebody.example"}, 403),
    ],
)
def test_no_answer_can_be_put_into_a_frame(served: Served, path: str, headers: dict[str, str], status: int) -> None:
    said, sealed = ask(served, "GET", path, **headers)
    assert said == status
    lower = {name.lower(): value for name, value in sealed.items()}
    assert lower["content-security-policy"] == "frame-ancestors 'none'"
    assert lower["x-frame-options"] == "DENY"
    assert lower["cross-origin-resource-policy"] == "same-origin"
