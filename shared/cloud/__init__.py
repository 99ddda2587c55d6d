"""Adapters that implement the ports: storage, keys, telemetry. The only room that speaks to the network."""
