"""What goes wrong at the command line: one sentence that names what to change."""

from __future__ import annotations

from shared.errors import PresidioAccessError


class AuditorError(PresidioAccessError):
    """The command cannot be carried out as it was given. Exit status 3."""

    code = "auditor"
