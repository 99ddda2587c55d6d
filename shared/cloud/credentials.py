"""Who the service is in Azure:

a managed identity, whose tokens come from the platform and not from a secret.
"""

from __future__ import annotations

from azure.core.credentials import TokenCredential
from azure.identity import ManagedIdentityCredential

from shared.errors import SettingsError

SETTING = "AUDIT_IDENTITY_CLIENT_ID"


def ledger_credential(client_id: str | None) -> TokenCredential:
    """The credential for storage and vault. Touches no network; tokens are fetched and remembered when
    needed.

    `client_id` is the identity's: an app may have several, and which one writes evidence is not left to
    chance. Only the managed identity is tried. A chain (`DefaultAzureCredential`) would fall back to
    whatever a developer or an attacker left in the environment. Raises SettingsError.
    """
    if not client_id:
        raise SettingsError(SETTING, "expected the client id of the managed identity, got none")
    return ManagedIdentityCredential(client_id=client_id)
