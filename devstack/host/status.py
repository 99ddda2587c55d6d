"""What a worker tells its pool: words on the status pipe, and an exit code."""

from __future__ import annotations

SERVES = "serves"
"""What the status pipe says once requests are served."""

WARM = "warm"
"""What it says once the app's own readiness function answers 200 (at once where the app has none)."""

EXIT_CANNOT_START = 78
"""The app or its settings are wrong: starting again would not help (EX_CONFIG of sysexits.h)."""
