"""GET /ready: one word a check, and nothing that would help an attacker."""

from __future__ import annotations

from dataclasses import dataclass

from shared.identity.issuers import Issuer
from shared.usecases.calls import Answer
from shared.usecases.engines import EngineRoom
from shared.usecases.ports import Ledger, TokenKeys


@dataclass(frozen=True, slots=True)
class Readiness:
    """Ready means: a call that came now would be checked, served and recorded."""

    engines: EngineRoom
    ledger: Ledger
    keys: TokenKeys
    issuers: tuple[Issuer, ...]

    def answer(self) -> Answer:
        """200 where every check is `ok`, else 503. Touches no network."""
        checks = {
            "engine": "ok" if self.engines.state == "ready" else self.engines.state,
            "keys": "ok" if any(self.keys.is_usable(issuer) for issuer in self.issuers) else "missing",
            "storage": "ok" if self.ledger.is_writable() else "unavailable",
        }
        is_ready = set(checks.values()) == {"ok"}
        headers = {} if is_ready else {"Retry-After": "2"}
        return Answer(200 if is_ready else 503, checks, headers)
