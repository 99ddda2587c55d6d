"""The only room that imports Presidio: strict requests in, Presidio's answers out, nothing leaks."""
