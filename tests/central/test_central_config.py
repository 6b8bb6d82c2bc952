"""The section central: what is taken, and every problem at once with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from central import config
from central.config import Embedded, External, Place
from ground.settings import SettingsError

KEY = "0" * 63 + "1"
GOOD = f"  key: '{KEY}'\n"


def written(folder: Path, text: str) -> Path:
    file = folder / "c.yaml"
    file.write_text(text)
    return file


def test_the_least_that_is_enough(tmp_path: Path) -> None:
    made = config.read(written(tmp_path, f'central:\n  folder: /srv/noren\n  key: "{KEY}"\n'))
    assert made.url == "sqlite:////srv/noren/central.db"
    assert made.pictures == Path("/srv/noren/assets")
    assert made.broker == Embedded(kind="embedded")
    assert made.chain_key == bytes(31) + b"\x01"


def test_another_broker_and_database(tmp_path: Path) -> None:
    text = f"""central:
  folder: var
  key: "{KEY}"
  database: postgresql+psycopg://noren@db/noren
  assets: /srv/pictures
  names: [central.example, 10.0.0.5]
  broker: {{kind: external, brokers: [{{host: mq}}, {{host: "::1", port: 1}}], username: central, password: x}}
"""
    made = config.read(written(tmp_path, text))
    places = (Place(host="mq", port=8883), Place(host="::1", port=1))
    assert made.broker == External(kind="external", brokers=places, username="central", password="x")
    assert made.hosts == ("central.example", "10.0.0.5", "127.0.0.1", "localhost", "::1")
    assert made.url == "postgresql+psycopg://noren@db/noren"
    assert made.pictures == Path("/srv/pictures")


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    text = """central:
  key: abc
  http: {port: 70000}
  broker: {kind: internal}
  colour: red
  log: loud
"""
    with pytest.raises(SettingsError) as caught:
        config.read(written(tmp_path, text))
    assert {(problem.line, problem.path) for problem in caught.value.problems} == {
        (1, "central.folder"),
        (2, "central.key"),
        (3, "central.http.port"),
        (4, "central.broker.kind"),
        (5, "central.colour"),
        (6, "central.log"),
    }


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("names: []", "names: must name one"),
        ("names: ['a b']", "no host name and no address"),
        ("names: [-x]", "no host name and no address"),
        ("broker: {kind: external, brokers: []}", "brokers: must name one"),
        ("broker: {kind: external, brokers: [{host: 'a/b'}]}", "no host name and no address"),
        ("broker: {kind: external, brokers: [{host: a, port: 0}]}", "must be 1 to 65535"),
        ("http: {certificate: /c.pem}", "together with private_key"),
        ("key: abc", "central.key: must be 64 hex"),
        (f"key: '{KEY}'\n  database: mysql://x", "must start with"),
    ],
)
def test_values_that_cannot_be_are_told_with_the_fix(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        config.read(written(tmp_path, f"central:\n  folder: var\n  {line}\n" + ("" if "key:" in line else GOOD)))
