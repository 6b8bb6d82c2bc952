"""The section central: what is taken, and every problem at once with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from central import config
from central.config import Embedded, External, Place
from central.contract.member_code import CARDS, Card
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


def test_what_cards_and_codes_a_chain_has(tmp_path: Path) -> None:
    made = config.read(written(tmp_path, f"central:\n  folder: var\n{GOOD}"))
    assert (made.cards, made.codes.good_for.seconds) == (CARDS, 60)
    text = "  cards: [{prefix: '21', length: 13}, {prefix: H-, length: 8}]\n  codes: {seconds: 240}\n"
    made = config.read(written(tmp_path, f"central:\n  folder: var\n{GOOD}{text}"))
    assert made.cards == (Card(prefix="21", length=13), Card(prefix="H-", length=8))
    assert made.codes.good_for.seconds == 240
    assert config.read(written(tmp_path, f"central:\n  folder: var\n{GOOD}  cards: []\n")).cards == ()


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
        ("cards: [{prefix: ABCDEF, length: 5}]", "cards: prefix ABCDEF is longer than the whole number, of length 5"),
        ("cards: [{prefix: '29', length: 13}, {prefix: '29', length: 13}]", "29 with length 13 is named twice"),
        ("cards: [{prefix: 29, length: 13}]", r"cards\[0\].prefix: must be text"),
        ("cards: [{prefix: '２９', length: 13}]", r"cards\[0\].prefix: must be text matching"),
        ("cards: [{prefix: '29', length: 33}]", r"cards\[0\].length: must be"),
        (f"cards: [{', '.join(f'{{prefix: C{at}, length: 9}}' for at in range(33))}]", "cards: must be 32 at most"),
        ("codes: {seconds: 50}", "codes.seconds: must be 15, 30, 45 … or 240, not 50"),
        ("codes: {seconds: 255}", "codes.seconds: must be 15, 30, 45"),
        ("codes: {seconds: 99999999999999999999}", "codes.seconds: must be 15, 30, 45"),
    ],
)
def test_values_that_cannot_be_are_told_with_the_fix(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        config.read(written(tmp_path, f"central:\n  folder: var\n  {line}\n" + ("" if "key:" in line else GOOD)))
