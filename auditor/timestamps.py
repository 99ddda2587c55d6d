"""RFC 3161 time-stamps: an authority's word, by its own clock, that a checkpoint existed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import requests
from cryptography.x509 import Certificate
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from shared.errors import KeysUnavailable, MalformedLedger, SignatureInvalid

MAX_RESPONSE_BYTES = 65_536
TIMEOUT_S = 10


class TimestampAuthority:
    """A time-stamp authority by its URL; what it answers is verified before it is handed on."""

    def __init__(self, url: str, roots: Sequence[Certificate]) -> None:
        """`roots` are the authority's trusted root certificates."""
        self._url = url
        self._check = timestamp_check(roots)

    def stamp(self, data: bytes) -> bytes:
        """The response (DER) over the SHA-256 of these bytes. Raises KeysUnavailable."""
        request = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).build()
        try:
            answer = requests.post(
                self._url,
                data=request.as_bytes(),
                headers={"Content-Type": "application/timestamp-query"},
                timeout=TIMEOUT_S,
                stream=True,
            )
            body = answer.raw.read(MAX_RESPONSE_BYTES + 1)
        except requests.RequestException as error:
            raise KeysUnavailable(
                f"the time-stamp authority did not answer: {type(error).__name__}"
            ) from error
        if answer.status_code != 200 or len(body) > MAX_RESPONSE_BYTES:
            raise KeysUnavailable(f"the time-stamp authority answered {answer.status_code}")
        try:
            self._check(body, data)
        except (MalformedLedger, SignatureInvalid) as error:
            raise KeysUnavailable(
                f"the time-stamp authority's answer is of no use: {error.message}"
            ) from error
        return bytes(body)


def timestamp_check(roots: Sequence[Certificate]) -> Callable[[bytes, bytes], None]:
    """A check of `(response, data)` under trusted roots; raises MalformedLedger or SignatureInvalid."""

    def check(response: bytes, data: bytes) -> None:
        builder = VerifierBuilder(roots=list(roots))
        try:
            builder.build().verify(parse_response(response), hashlib.sha256(data).digest())
        except VerificationError as error:
            raise SignatureInvalid(
                "the time-stamp is not of these bytes, or not by the trusted authority"
            ) from error

    return check


def parse_response(response: bytes) -> TimeStampResponse:
    """The response, decoded. Raises MalformedLedger."""
    try:
        return decode_timestamp_response(response)
    except ValueError as error:
        raise MalformedLedger("not an RFC 3161 response") from error
