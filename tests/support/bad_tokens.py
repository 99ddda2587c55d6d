"""Authorization headers that must be refused, and why. Used on the identity room alone and over HTTP.

Most entries are wrong in exactly one thing and otherwise signed by the issuer, so that nothing but the check
they are meant for can refuse them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from devstack.tokens import mint
from tests.support.bad_claims import BAD_CLAIMS
from tests.support.forging import BadToken, Forger, encode_json, join_bearer, split_bearer

MEGABYTE = 1024 * 1024


def header(name: str, reason: str, **members: Any) -> BadToken:
    """A token of the issuer's whose header is wrong."""
    return BadToken(name, lambda forger: forger.with_header(**members), reason)


def unsigned(name: str, **members: Any) -> BadToken:
    """A token that says that it needs no signature."""
    return BadToken(name, lambda forger: forger.unsigned(**members), "wrong_algorithm")


def twist(name: str, reason: str, change: Callable[[list[str]], list[str]]) -> BadToken:
    """A good token whose three parts were changed afterwards."""
    return BadToken(name, lambda forger: join_bearer(*change(split_bearer(forger.bearer()))), reason)


def payload(name: str, reason: str, make: Callable[[Forger], bytes]) -> BadToken:
    """Bytes as payload, signed by the issuer."""
    return BadToken(name, lambda forger: forger.raw(payload=make(forger)), reason)


def _without_start(forger: Forger) -> str:
    """The claims as JSON without the opening brace, to be given a member in front."""
    return json.dumps(forger.claims())[1:]


def _raise_roles(forger: Forger) -> str:
    head, _, signature = split_bearer(forger.bearer("nobody"))
    return join_bearer(head, encode_json(forger.claims("breakglass")), signature)


def _swap_signature(forger: Forger) -> str:
    head, body, _ = split_bearer(forger.bearer("analyst"))
    return join_bearer(head, body, split_bearer(forger.bearer("redactor"))[2])


def _flip_bit(parts: list[str]) -> list[str]:
    other = "B" if parts[2][10] == "A" else "A"
    return [parts[0], parts[1], f"{parts[2][:10]}{other}{parts[2][11:]}"]


def _respell(parts: list[str]) -> list[str]:
    """The same 256 signature bytes in another spelling: the last character has four bits to spare."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return [parts[0], parts[1], parts[2][:-1] + alphabet[alphabet.index(parts[2][-1]) + 1]]


BEARERS = (
    BadToken("no header", lambda _: None, "missing"),
    BadToken("empty header", lambda _: "", "missing"),
    BadToken("basic authentication", lambda _: "Basic YW5hOnNlY3JldA==", "missing"),
    BadToken("token without a scheme", lambda forger: forger.token(), "missing"),
    BadToken("scheme without a token", lambda _: "Bearer", "malformed"),
    BadToken("scheme and a blank", lambda _: "Bearer ", "malformed", is_sendable=False),
    BadToken("two tokens", lambda forger: f"{forger.bearer()} {forger.token()}", "malformed"),
    BadToken("two headers joined", lambda forger: f"{forger.bearer()}, {forger.bearer()}", "malformed"),
    BadToken("two spaces", lambda forger: f"Bearer  {forger.token()}", "malformed"),
    BadToken("tab for a space", lambda forger: f"Bearer\t{forger.token()}", "missing"),
    BadToken("line feed at the end", lambda forger: f"{forger.bearer()}\n", "malformed", is_sendable=False),
    BadToken(
        "header injection", lambda forger: f"{forger.bearer()}\r\nX-A: b", "malformed", is_sendable=False
    ),
    BadToken(
        "NUL inside", lambda forger: forger.bearer().replace(".", ".\0", 1), "malformed", is_sendable=False
    ),
    BadToken("Latin-1 character", lambda forger: f"{forger.bearer()}é", "malformed"),
    BadToken("homoglyph", lambda forger: forger.bearer().replace("e", "е", 1), "missing", is_sendable=False),
    BadToken(
        "1 MB of token", lambda forger: f"{forger.bearer()}{'A' * MEGABYTE}", "too_large", is_sendable=False
    ),
    BadToken("20 kB of good token", lambda forger: forger.bearer(aio="A" * 15_000), "too_large"),
    BadToken("comma for dots", lambda forger: forger.bearer().replace(".", ","), "malformed"),
)

FORMS = (
    twist("no signature part", "malformed", lambda parts: parts[:2]),
    twist("a fourth part", "malformed", lambda parts: [*parts, parts[2]]),
    twist("a dot too many", "malformed", lambda parts: [*parts, ""]),
    twist("five parts, as a JWE", "encrypted", lambda parts: [parts[0], parts[1], parts[2], "AAAA", "AAAA"]),
    twist("empty signature", "malformed", lambda parts: [parts[0], parts[1], ""]),
    twist("empty header", "malformed", lambda parts: ["", parts[1], parts[2]]),
    twist("padding at the end", "malformed", lambda parts: [parts[0], parts[1], f"{parts[2]}=="]),
    twist("signature spelled otherwise", "malformed", _respell),
    twist("base64 for base64url", "malformed", lambda parts: [parts[0], parts[1], f"{parts[2][:-4]}+/+/"]),
    twist("header is not JSON", "malformed", lambda parts: ["AAAA", parts[1], parts[2]]),
    twist("header is a list", "malformed", lambda parts: [encode_json(["RS256"]), parts[1], parts[2]]),
    payload("payload is a list", "malformed", lambda forger: json.dumps([forger.claims()]).encode()),
    payload("payload is not UTF-8", "malformed", lambda _: b'{"iss":"\xff\xfe"}'),
    payload(
        "payload with a byte order mark", "malformed", lambda forger: f"﻿{{{_without_start(forger)}".encode()
    ),
    payload("payload is nested deep", "malformed", lambda _: b"[" * 5_000 + b"]" * 5_000),
    payload("payload with NaN", "malformed", lambda forger: f'{{"x":NaN,{_without_start(forger)}'.encode()),
    payload("number of 5,000 digits", "malformed", lambda _: b'{"exp":' + b"9" * 5_000 + b"}"),
    payload("exp is null", "missing_exp", lambda f: json.dumps({**f.claims(), "exp": None}).encode()),
    payload("two JSON values", "malformed", lambda forger: f"{{}}{{{_without_start(forger)}".encode()),
    payload("roles twice", "duplicate_member", lambda f: f'{{"roles":["X"],{_without_start(f)}'.encode()),
    payload("iss twice", "duplicate_member", lambda f: f'{{"iss":"https://a",{_without_start(f)}'.encode()),
    payload(
        "twice, spelled with an escape",
        "duplicate_member",
        lambda forger: f'{{"r\\u006fles":["Pii.BreakGlass"],{_without_start(forger)}'.encode(),
    ),
    payload("nested token, not announced", "malformed", lambda forger: forger.token().encode()),
    BadToken(
        "nested token",
        lambda forger: forger.raw(
            header=json.dumps({"alg": "RS256", "kid": forger.key.kid, "cty": "JWT"}).encode(),
            payload=forger.token().encode(),
        ),
        "nested",
    ),
    BadToken(
        "alg twice",
        lambda forger: forger.raw(
            header=f'{{"alg":"none","alg":"RS256","kid":"{forger.key.kid}"}}'.encode(),
        ),
        "duplicate_member",
    ),
)

ALGORITHMS = (
    header("no alg", "wrong_algorithm", alg=None),
    unsigned("alg none", alg="none"),
    unsigned("alg None", alg="None"),
    unsigned("alg NONE", alg="NONE"),
    unsigned("alg nOnE", alg="nOnE"),
    unsigned("alg empty", alg=""),
    header("alg none with a good signature", "wrong_algorithm", alg="none"),
    header("alg is a list", "wrong_algorithm", alg=["RS256"]),
    header("alg is a number", "wrong_algorithm", alg=256),
    header("alg in lower case", "wrong_algorithm", alg="rs256"),
    header("alg with a blank", "wrong_algorithm", alg="RS256 "),
    header("alg RS1", "wrong_algorithm", alg="RS1"),
    header("alg EdDSA", "wrong_algorithm", alg="EdDSA"),
    BadToken(
        "HMAC with the public key", lambda forger: forger.hmac_signed(forger.public_pem()), "wrong_algorithm"
    ),
    BadToken(
        "HMAC with the key in DER", lambda forger: forger.hmac_signed(forger.public_der()), "wrong_algorithm"
    ),
    BadToken("HMAC-512", lambda forger: forger.hmac_signed(forger.public_pem(), "sha512"), "wrong_algorithm"),
    BadToken("HMAC with an empty secret", lambda forger: forger.hmac_signed(b""), "wrong_algorithm"),
    BadToken("RS512 where RS256 is used", lambda forger: forger.other_algorithm("RS512"), "wrong_algorithm"),
    BadToken("PS256 where RS256 is used", lambda forger: forger.other_algorithm("PS256"), "wrong_algorithm"),
    BadToken("ES256 where RS256 is used", lambda forger: forger.elliptic(), "wrong_algorithm"),
)

KEYS = (
    BadToken("foreign key, right kid", lambda forger: forger.own_key(kid=forger.key.kid), "bad_signature"),
    BadToken(
        "foreign key, its own kid", lambda forger: forger.own_key(kid=forger.foreign.kid), "unknown_key"
    ),
    header("unknown kid", "unknown_key", kid="never-published"),
    BadToken("kid in another case", lambda f: f.with_header(kid=f.key.kid.swapcase()), "unknown_key"),
    header("no kid", "missing_key_id", kid=None),
    header("kid is empty", "malformed_key_id", kid=""),
    header("kid is a number", "malformed_key_id", kid=1),
    header("kid is a list", "malformed_key_id", kid=["a"]),
    header("kid is a path", "malformed_key_id", kid="../../../../dev/null"),
    header("kid is SQL", "malformed_key_id", kid="x' UNION SELECT 'secret' --"),
    header("kid is an address", "malformed_key_id", kid="https://attacker.example/keys"),
    header("kid is a command", "malformed_key_id", kid="|/usr/bin/id"),
    header("kid with a NUL", "malformed_key_id", kid="a\0b"),
    header("kid with a line feed", "malformed_key_id", kid="a\nforged log line"),
    header("kid of 5,000 characters", "malformed_key_id", kid="k" * 5_000),
    BadToken("embedded jwk", lambda forger: forger.own_key(jwk=forger.foreign_jwk()), "embedded_key"),
    BadToken(
        "embedded jwk under the right kid",
        lambda forger: forger.own_key(
            jwk={**forger.foreign_jwk(), "kid": forger.key.kid}, kid=forger.key.kid
        ),
        "embedded_key",
    ),
    header("jku", "embedded_key", jku="https://attacker.example/keys"),
    header(
        "jku of the issuer", "embedded_key", jku="https://login.microsoftonline.com/common/discovery/keys"
    ),
    header("x5u", "embedded_key", x5u="https://attacker.example/chain.pem"),
    header("x5c", "embedded_key", x5c=["MIIB"]),
    header("crit", "critical_header", crit=["exp"]),
    header("crit empty", "critical_header", crit=[]),
    header("b64 false", "critical_header", b64=False, crit=["b64"]),
    header("b64 false, not critical", "unsupported_header", b64=False),
    header("zip", "unsupported_header", zip="DEF"),
    header("enc", "unsupported_header", enc="A256GCM"),
    header("typ of a logout token", "wrong_type", typ="logout+jwt"),
    header("typ of a DPoP proof", "wrong_type", typ="dpop+jwt"),
    header("typ is a list", "wrong_type", typ=["JWT"]),
)

SIGNATURES = (
    BadToken("payload with more roles", _raise_roles, "bad_signature"),
    BadToken("signature of another token", _swap_signature, "bad_signature"),
    BadToken(
        "header changed",
        lambda f: join_bearer(
            encode_json({"alg": "RS256", "kid": f.key.kid, "typ": "at+jwt"}), *split_bearer(f.bearer())[1:]
        ),
        "bad_signature",
    ),
    twist("one bit of the signature", "bad_signature", _flip_bit),
    twist("signature cut short", "bad_signature", lambda parts: [parts[0], parts[1], parts[2][:-6]]),
    twist(
        "signature with more behind it",
        "bad_signature",
        lambda parts: [parts[0], parts[1], f"AAAA{parts[2]}"],
    ),
    twist("signature of zeros", "bad_signature", lambda parts: [parts[0], parts[1], "A" * 342]),
    twist("signature of one byte", "bad_signature", lambda parts: [parts[0], parts[1], "AA"]),
    BadToken(
        "signed by a thief of nothing", lambda f: f"Bearer {mint(f.foreign, f.claims())}", "unknown_key"
    ),
)

BAD_TOKENS: dict[str, BadToken] = {
    bad.name: bad for bad in (*BEARERS, *FORMS, *ALGORITHMS, *KEYS, *SIGNATURES, *BAD_CLAIMS)
}
"""By name."""
