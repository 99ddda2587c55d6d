"""The identity providers whose tokens are believed, and how to read the claims of each."""

from __future__ import annotations

import re
from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from shared.errors import SettingsError
from shared.identity.shapes import Problem, read_model, render_path
from shared.identity.strict_json import DuplicateMember, parse_json

SETTING = "TRUSTED_ISSUERS"
MAX_ISSUERS = 32
GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

_HTTPS = re.compile(r"https://[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?(?:/[!-~]*)?")
_LOOPBACK = re.compile(r"http://(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]{1,5})?(?:/[!-~]*)?")

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "ES256"]
"""Signatures with a public key. HMAC (whose secret a client may hold) and `none` cannot be configured."""


def _check_url(url: str) -> str:
    """HTTPS, or HTTP to this machine: whoever can change a key set on its way can make tokens."""
    if _HTTPS.fullmatch(url) or _LOOPBACK.fullmatch(url):
        return url
    raise ValueError("expected an https:// address (http:// to this machine only)")


Word = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^\S+$")]
Url = Annotated[str, StringConstraints(min_length=1, max_length=2_000), AfterValidator(_check_url)]
ClaimName = Annotated[str, StringConstraints(min_length=1, max_length=200)]
RoleName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9._-]{0,119}$")]


class Issuer(BaseModel):
    """One identity provider, as an operator configured it.

    `kind` decides which rules its tokens must meet: `entra-v2` and `entra-v1` are the two access token
    formats of Microsoft Entra ID (one tenant each; a tenant that issues both is two entries), `oidc` is
    any other OpenID Connect provider.

    A claim name that starts with `/` is a JSON Pointer (RFC 6901) into the claims, for providers that nest
    them: Keycloak's roles are at `/realm_access/roles`.

    Roles come from `roles_claim`: its values are role names where `role_map` is empty, else only the mapped
    values count. `group_map` makes roles of ids in `groups_claim`; group ids that it lacks grant nothing.

    A person's token needs one of `scopes` (`scp` or `scope`), which shows that the client was allowed to
    act for that person here; an `oidc` entry may leave `scopes` empty where the provider has none. A token
    of an `oidc` issuer is an app's where its subject is its client (RFC 9068 section 2.2) or where each
    claim of `app_when` has the value given there (Auth0: `{"gty": "client-credentials"}`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[
        str,
        StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$"),
        Field(description="a short name of lower-case letters, digits and dashes; it stands in records"),
    ]
    kind: Annotated[
        Literal["entra-v2", "entra-v1", "oidc"],
        Field(description="one of 'entra-v2', 'entra-v1' and 'oidc'"),
    ]
    issuer: Annotated[Url, Field(description="the exact value of the claim iss, an https:// address")]
    tenant: Annotated[
        Word, Field(description="the tenant's GUID (lower case), or a label of your own for an oidc issuer")
    ]
    audiences: Annotated[
        tuple[Word, ...],
        Field(
            min_length=1,
            max_length=16,
            description="a list of 1 to 16 audiences: the client id (v2), the App ID URI (v1)",
        ),
    ]
    jwks_uri: Annotated[Url, Field(description="the address of the issuer's key set, https://")]
    algorithms: Annotated[
        tuple[Algorithm, ...],
        Field(min_length=1, description="a list of RS256, RS384, RS512, PS256 and ES256"),
    ] = ("RS256",)
    scopes: Annotated[
        tuple[Word, ...], Field(max_length=16, description="a list of scopes, one of which people need")
    ] = ("access_as_user",)
    roles_claim: Annotated[ClaimName, Field(description="the name of the claim that holds roles")] = "roles"
    role_map: Annotated[
        dict[str, RoleName],
        Field(max_length=1_000, description="a mapping from a value of the roles claim to a role"),
    ] = {}
    groups_claim: Annotated[ClaimName, Field(description="the claim that holds group ids")] = "groups"
    group_map: Annotated[
        dict[str, RoleName], Field(max_length=1_000, description="a mapping from a group's id to a role")
    ] = {}
    principal_claim: Annotated[ClaimName, Field(description="the claim that identifies the principal")] = ""
    app_claim: Annotated[ClaimName, Field(description="the claim that names the client application")] = ""
    app_when: Annotated[
        dict[str, str], Field(max_length=8, description="a mapping from a claim to its value in apps' tokens")
    ] = {}
    max_lifetime_s: Annotated[
        int,
        Field(strict=True, ge=60, le=31 * 86_400, description="seconds from 60 to 2678400 (31 days)"),
    ] = 2 * 86_400

    def __hash__(self) -> int:
        return hash((self.name, self.issuer))

    @model_validator(mode="before")
    @classmethod
    def _fill_claims(cls, data: Any) -> Any:
        """Each kind has its own names for the principal and the client application."""
        names = {"entra-v2": ("oid", "azp"), "entra-v1": ("oid", "appid"), "oidc": ("sub", "client_id")}
        principal, app = names.get(str(data.get("kind")), ("sub", "client_id"))
        return {"principal_claim": principal, "app_claim": app, **data}

    @model_validator(mode="after")
    def _check_entra(self) -> Issuer:
        if self.kind == "oidc":
            return self
        if not GUID.fullmatch(self.tenant):
            raise _broken("tenant", "expected the tenant's GUID in lower case")
        ending = f"/{self.tenant}/v2.0" if self.kind == "entra-v2" else f"/{self.tenant}/"
        if not self.issuer.endswith(ending):
            raise _broken("issuer", f"expected an address that ends in the tenant's GUID: …{ending}")
        fixed = {
            "algorithms": ("RS256",),
            "principal_claim": "oid",
            "app_claim": "azp" if self.kind == "entra-v2" else "appid",
            "roles_claim": "roles",
            "groups_claim": "groups",
            "app_when": {},
        }
        for field, value in fixed.items():
            if getattr(self, field) != value:
                raise _broken(field, "cannot be changed for an Entra issuer; leave it out")
        if not self.scopes:
            raise _broken("scopes", "expected at least one scope: Entra gives each person's token one")
        return self


def parse_issuers(text: str) -> tuple[Issuer, ...]:
    """The issuers of a JSON list (the setting TRUSTED_ISSUERS).

    Raises SettingsError that names every wrong entry and field, not only the first.
    """
    try:
        entries = parse_json(text)
    except DuplicateMember:
        raise SettingsError(SETTING, "expected each field once in an entry, got one twice") from None
    except ValueError:
        raise SettingsError(SETTING, "expected a JSON list of issuers, got text that is not JSON") from None
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_ISSUERS:
        raise SettingsError(SETTING, f"expected a JSON list of 1 to {MAX_ISSUERS} issuers")
    issuers: list[Issuer] = []
    problems: list[str] = []
    for number, entry in enumerate(entries, start=1):
        issuer, wrong = read_model(Issuer, entry)
        problems += [_render(number, entry, problem) for problem in wrong]
        if issuer is not None:
            issuers.append(issuer)
    problems += _find_repeated(issuers)
    if problems:
        raise SettingsError(SETTING, "; ".join(problems))
    return tuple(issuers)


def _find_repeated(issuers: list[Issuer]) -> list[str]:
    """Two entries of one name or one `iss` would make it a matter of order which of them is believed."""
    names = Counter(issuer.name for issuer in issuers)
    addresses = Counter(issuer.issuer for issuer in issuers)
    repeated = [f"name: {name!r} stands in {count} entries" for name, count in names.items() if count > 1]
    return repeated + [
        f"issuer: {address!r} stands in {count} entries" for address, count in addresses.items() if count > 1
    ]


def _render(number: int, entry: object, problem: Problem) -> str:
    name = entry.get("name") if isinstance(entry, dict) else None
    label = f" ({name})" if isinstance(name, str) and re.fullmatch(r"[a-z0-9-]{1,63}", name) else ""
    place = f"{render_path(problem.path)}: " if problem.path else ""
    return f"entry {number}{label}: {place}{problem.message}"


def _broken(field: str, message: str) -> PydanticCustomError:
    return PydanticCustomError("rule", "{message}", {"field": field, "message": message})
