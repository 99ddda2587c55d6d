"""The local cloud: storage, tokens and the functions host on one machine. Never deployed."""
