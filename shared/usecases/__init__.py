"""One file a use case, and the ports that they need from outside."""
