"""Approvals by a second person: asked for, decided, proven, used once."""
