"""The auditor's command line: it proves the ledger from a copy and one public key, and asks it questions."""
