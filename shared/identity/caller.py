"""Who is calling, as a verified token says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal with the roles that its token carries.

    `issuer` is the configured issuer's name, not its URL. `tenant` + `principal` identify the person or
    app (`tid` + `oid` in Entra; the issuer's name and `sub` elsewhere); `app` is the client application
    (`azp`/`appid`). `token_id` is `uti` or `jti`. `expires_at` is in Unix seconds. Names and mail
    addresses are never read from a token.
    """

    kind: Literal["person", "app"]
    issuer: str
    tenant: str
    principal: str
    app: str | None
    roles: tuple[str, ...]
    token_id: str | None
    expires_at: int
