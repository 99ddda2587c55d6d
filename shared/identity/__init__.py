"""Token + keys + now -> Caller; Caller + policy + request -> Decision. Pure: no network, file or clock."""
