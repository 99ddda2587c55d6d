"""The commands: each module registers some; each command parses, calls, prints."""
