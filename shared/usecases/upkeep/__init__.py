"""What timers do for the ledger: seal, archive, verify, expire, tell what is normal."""
