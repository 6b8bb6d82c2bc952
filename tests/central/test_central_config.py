"""The section central: what is taken, and every problem at once with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from central import config
from central.config import Embedded, External
from ground.settings import SettingsError

KEY = "0" * 63 + "1"


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
  broker: {{kind: external, host: mq, port: 8883, username: central, password: x}}
"""
    made = config.read(written(tmp_path, text))
    assert made.broker == External(kind="external", host="mq", port=8883, username="central", password="x")
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
    [("key: abc", "central.key: must be 64 hex"), (f"key: '{KEY}'\n  database: mysql://x", "must start with")],
)
def test_values_that_cannot_be_are_told_with_the_fix(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        config.read(written(tmp_path, f"central:\n  folder: var\n  {line}\n"))
