"""Answers agents that ask for their next certificate, or for the key that seals what lies on their disk."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from central import agents
from central.agents import Desk
from central.contract import codec, member_code, topics
from central.contract.codec import Unreadable
from central.contract.enrolment import Renew, Renewed, Unlock, Unlocked
from central.errors import CentralError
from central.mqtt import Inbox, Message
from central.storage.database import writing

log = logging.getLogger(__name__)

_GROUP = 32


def sealing_key(chain_key: bytes, agent: str) -> bytes:
    """The key of one device's disk, where central keeps it for the device."""
    return hmac.digest(chain_key, b"noren/sealing-key/v1\0" + agent.encode(), hashlib.sha256)


class Renewals:
    """A worker for one thread; what it refuses it counts and does not answer."""

    def __init__(
        self, engine: Engine, desk: Desk, publish: Callable[[str, bytes], None], now: Callable[[], datetime]
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._engine = engine
        self._desk = desk
        self._publish = publish
        self._now = now

    def run(self, inbox: Inbox) -> None:
        """Work until the inbox is closed."""
        while group := inbox.take(_GROUP):
            for message in group:
                self.take(message)

    def take(self, message: Message) -> None:
        """Answer one; what meets a passing trouble is not answered, and so is asked again."""
        address = message.address
        try:
            with writing(self._engine) as connection:
                leaf, answer = self._answer(connection, message)
        except (CentralError, Unreadable) as error:
            self.counts["refused"] += 1
            log.warning("refused %s of %s: %s", address.leaf, address.agent, error)
        except DBAPIError as error:
            self.counts["deferred"] += 1
            log.warning("a certificate could not be stored now: %s", error.orig)
        else:
            self.counts[leaf] += 1
            publish = message.answer or self._publish
            publish(topics.of_agent(address.store, address.agent, leaf), codec.pack(answer))

    def _answer(self, connection: Connection, message: Message) -> tuple[str, Renewed | Unlocked]:
        address = message.address
        known = agents.find(connection, address.agent)
        if known is None or known.revoked or known.store != address.store:
            raise CentralError("no agent of ours, or revoked.")
        if address.leaf == "unlock":
            codec.unpack(message.payload, Unlock)
            chain_key = self._desk.chain_key
            return "unlocked", Unlocked(
                sealing_key=sealing_key(chain_key, known.agent).hex(),
                token_key=member_code.store_key(chain_key, known.store).hex(),
            )
        request = codec.unpack(message.payload, Renew).request
        at, reach = self._now(), self._desk.reach
        issued = agents.renew(connection, known.agent, request, self._desk.keys, at)
        trust = self._desk.trust(at)
        return "renewed", Renewed(certificate=issued.pem, trust=trust, brokers=reach.brokers, assets=reach.assets)
