"""The doors: one file a family of triggers. Each parses, calls one use case and renders; nothing else."""
