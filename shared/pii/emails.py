"""Presidio's mail address recognizer with the public suffix list that is on disk already."""

from __future__ import annotations

from functools import cache

from presidio_analyzer.predefined_recognizers import EmailRecognizer
from tldextract import TLDExtract


@cache
def _snapshot() -> TLDExtract:
    """tldextract with the list in its own package: no request for a newer one, no cache folder."""
    return TLDExtract(cache_dir=None, suffix_list_urls=())


class SnapshotEmailRecognizer(EmailRecognizer):
    """EmailRecognizer that asks nobody.

    Stock calls `tldextract.extract`, which fetches the public suffix list from the Internet at its first use
    and writes it below the home folder; where that fails, it falls back to the snapshot used here.
    """

    def validate_result(self, pattern_text: str) -> bool:
        """True where the part behind the @ ends in a public suffix."""
        return bool(_snapshot()(pattern_text).fqdn != "")
