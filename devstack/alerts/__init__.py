"""Alert rules on one machine: read, checked, evaluated as Azure Monitor does it, and shown."""
