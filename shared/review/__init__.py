"""Grants + policy + usage -> the findings of an access review. Pure: no network, file or clock."""
