"""How requests to storage are authorized."""

from __future__ import annotations

import time

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from shared.cloud.blob_requests import BlobRequests, StorageTimeouts
from shared.cloud.storage_auth import STORAGE_SCOPE, BearerToken, SharedKey
from shared.errors import StoreDenied
from tests.support.stub_storage import stub_storage


class Credential:
    """Gives numbered tokens of a chosen lifetime."""

    def __init__(self, lifetime_s: int) -> None:
        self.lifetime_s = lifetime_s
        self.asked = 0

    def get_token(self, *scopes: str, **kwargs: object) -> AccessToken:
        assert scopes == (STORAGE_SCOPE,)
        self.asked += 1
        return AccessToken(f"token-{self.asked}", int(time.time()) + self.lifetime_s)


def bearer(auth: BearerToken) -> str:
    return auth.headers("PUT", "/a", {}, {}, 0)["Authorization"]


def test_a_token_is_remembered_until_shortly_before_it_expires() -> None:
    """One request for many appends; a new one in time."""
    credential = Credential(3_600)
    auth = BearerToken(credential)
    assert {bearer(auth) for _ in range(5)} == {"Bearer token-1"}
    brief = BearerToken(Credential(200))
    assert [bearer(brief), bearer(brief)] == ["Bearer token-1", "Bearer token-2"]


def test_a_refused_token_is_forgotten() -> None:
    """After a 401 or 403 the next request brings a new token."""
    credential = Credential(3_600)
    with stub_storage(401, "InvalidAuthenticationInfo") as stub:
        requests = BlobRequests(
            f"http://127.0.0.1:{stub.port}/audit", BearerToken(credential), StorageTimeouts()
        )
        for _ in range(2):
            assert requests.append("a", b"x", 0).status == 401
        assert [headers["authorization"] for _, _, headers in stub.asked] == [
            "Bearer token-1",
            "Bearer token-2",
        ]


def test_no_token_is_a_refused_credential() -> None:
    """An identity that gives no token leaves storage out of reach; its message is not passed on."""

    class Refusing:
        def get_token(self, *scopes: str, **kwargs: object) -> AccessToken:
            raise ClientAuthenticationError("secret details")

    with pytest.raises(StoreDenied, match="no token for storage: ClientAuthenticationError") as caught:
        bearer(BearerToken(Refusing()))
    assert "secret" not in str(caught.value)


def test_the_shared_key_signs_as_documented() -> None:
    """A known answer: the string to sign of Microsoft's page, with a key of zeros."""
    import base64
    import hashlib
    import hmac

    key = base64.b64encode(bytes(32)).decode()
    headers = {"x-ms-version": "2023-11-03", "x-ms-blob-condition-appendpos": "7"}
    made = SharedKey("acc", key).headers("PUT", "/audit/a", {"comp": "appendblock"}, headers, 5)
    text = (
        "PUT\n\n\n5\n\n\n\n\n\n\n\n\n"
        "x-ms-blob-condition-appendpos:7\n"
        f"x-ms-date:{made['x-ms-date']}\n"
        "x-ms-version:2023-11-03\n"
        "/acc/audit/a\ncomp:appendblock"
    )
    signature = base64.b64encode(hmac.digest(bytes(32), text.encode(), hashlib.sha256)).decode()
    assert made["Authorization"] == f"SharedKey acc:{signature}"
