"""Names the MQTT topics, so that a broker can spread stores by plain subscriptions."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

ROOT = "noren/v1"
CHAIN = "chain"
"""The scope of what every store of the chain gets; any other scope is a store's id."""
TO_CENTRAL = ("up", "pull", "status", "reply", "renew", "unlock", "picture", "ask")
FROM_CENTRAL = ("ack", "nack", "page", "command", "renewed", "unlocked", "told")
_ID = re.compile(r"^[a-z0-9-]{1,64}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Whom a message is from or to, as its topic claims; only an enrolment says who it is."""

    shard: str
    store: str
    agent: str
    leaf: str


def shard(store: str) -> str:
    """Two hex digits, the same for ever: the first byte of SHA-256 of the store's id."""
    return hashlib.sha256(store.encode()).hexdigest()[:2]


def is_id(word: str) -> bool:
    """Whether this may name a store, an agent, a zone or a source: 1 to 64 of a-z, 0-9 and '-'."""
    return _ID.match(word) is not None


def of_agent(store: str, agent: str, leaf: str) -> str:
    """One agent's topic; `leaf` is one of TO_CENTRAL or FROM_CENTRAL."""
    return f"{ROOT}/{shard(store)}/{store}/{agent}/{leaf}"


def heads(scope: str) -> str:
    """Where the heads of a scope's feeds are kept (retained): hints, never the truth."""
    return f"{ROOT}/{CHAIN}/heads" if scope == CHAIN else f"{ROOT}/{shard(scope)}/{scope}/heads"


def every(leaf: str, *, of_shard: str = "+") -> str:
    """The filter for one leaf of all agents of a shard, or of all shards."""
    return f"{ROOT}/{of_shard}/+/+/{leaf}"


def read(topic: str) -> Address | None:
    """Take an agent's topic apart; None where it is no such topic or its shard is not its store's."""
    parts = topic.split("/")
    if len(parts) != 6 or parts[:2] != ROOT.split("/"):
        return None
    _, _, said_shard, store, agent, leaf = parts
    if not (is_id(store) and is_id(agent)) or said_shard != shard(store):
        return None
    return Address(shard=said_shard, store=store, agent=agent, leaf=leaf)
