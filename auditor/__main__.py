"""`python -m auditor`."""

from __future__ import annotations

from auditor.app import main

if __name__ == "__main__":
    main()
