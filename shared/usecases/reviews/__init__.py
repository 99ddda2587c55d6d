"""The access review: made each month, read by reviewers, decided, escalated."""
