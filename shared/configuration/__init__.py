"""What is in force, as a snapshot without personal data, and what differs between two of them (pure)."""
