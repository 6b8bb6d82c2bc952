"""Settings of an agent that do not fit together are refused with the line and the fix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from edge import config
from ground.settings import SettingsError

SCANNER = {"kind": "serial", "name": "s", "zone": "till", "device": "/dev/a", "shared": True}
PASSES = {"kind": "serial", "device": "/dev/b"}
MEMBERS = {"kind": "http", "url": "http://127.0.0.1:9000/member", "key": "a-Key_1="}


def read(folder: Path, **section: Any) -> config.EdgeConfig:
    whole = {"folder": str(folder), "zones": [{"zone": "till"}], "sensors": [], "screens": [], **section}
    file = folder / "noren.yaml"
    file.write_text(yaml.safe_dump({"edge": whole}, allow_unicode=True))
    return config.read(file)


def refused(folder: Path, **section: Any) -> str:
    with pytest.raises(SettingsError) as error:
        read(folder, **section)
    return str(error.value)


def test_a_scanner_that_is_shared_and_both_ways_to_the_register(tmp_path: Path) -> None:
    register = {"socket": "/run/r", "passes": PASSES, "members": MEMBERS}
    screen = {"screen": "t", "socket": "/run/t", "zones": ["till"]}
    assert read(tmp_path, sensors=[SCANNER], screens=[screen], register=register).register is not None
    assert read(tmp_path, register={"socket": "/run/r", "passes": PASSES, "members": PASSES}).register is not None


@pytest.mark.parametrize(
    "url",
    [
        "ftp://register.example/",
        "http://",
        "http://register.example:b/",
        "http://register.example:99999/",
        "http://register.example:0/",
        "http://[register/",
        "http://register.example/x y",
        "http://register.example/x\r\nX-Mine: y",
        "http://レジ.example/",
        "http://name:word@register.example/",
    ],
)
def test_an_address_that_cannot_be_told_anything_is_refused(url: str, tmp_path: Path) -> None:
    said = refused(tmp_path, register={"socket": "/run/r", "members": MEMBERS | {"url": url}})
    assert "register.members.url: must be like http://127.0.0.1:9000/member" in said


@pytest.mark.parametrize("key", ["a\r\nX-Mine: b", "a b", "鍵"])
def test_a_key_that_no_header_can_have_is_refused_and_not_repeated(key: str, tmp_path: Path) -> None:
    said = refused(tmp_path, register={"socket": "/run/r", "members": MEMBERS | {"key": key}})
    assert "register.members.key: must be of ASCII" in said
    assert key not in said


@pytest.mark.parametrize(
    ("sensors", "register", "who"),
    [
        ([SCANNER, SCANNER | {"name": "t", "shared": False}], {"passes": PASSES}, "s and t have the same /dev/a"),
        ([SCANNER], {"passes": SCANNER["device"]}, "s and register.passes have the same /dev/a"),
        ([SCANNER | {"shared": False}], {"members": SCANNER["device"]}, "s and register.members have the same /dev/a"),
        ([], {"passes": PASSES, "members": PASSES | {"baud": 19200}}, "register.passes and register.members have"),
    ],
)
def test_a_port_has_one_user(
    sensors: list[dict[str, object]], register: dict[str, Any], who: str, tmp_path: Path
) -> None:
    ways = {name: PASSES | ({"device": way} if isinstance(way, str) else way) for name, way in register.items()}
    assert who in refused(tmp_path, sensors=sensors, register={"socket": "/run/r", **ways})


def test_a_screen_and_the_register_have_sockets_of_their_own(tmp_path: Path) -> None:
    screen = {"screen": "t", "socket": "/run/r", "zones": ["till"]}
    said = refused(tmp_path, screens=[screen], register={"socket": "/run/r", "passes": PASSES})
    assert "t and register have the same /run/r: each needs its own" in said
