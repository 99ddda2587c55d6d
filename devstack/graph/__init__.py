"""A small Microsoft Graph for one machine: the answers that a review of access asks for, in their shapes."""
