"""Why a functions app cannot be run here."""

from __future__ import annotations


class HostError(Exception):
    """The app, or a setting that its bindings name, is wrong: the worker does not start."""
