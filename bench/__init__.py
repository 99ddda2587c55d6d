"""Benchmarks: the audited service against stock Presidio, on one machine, in one run."""
