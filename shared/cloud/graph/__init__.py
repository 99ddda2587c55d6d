"""Microsoft Graph as the directory of an access review."""
