"""The rules of an access review, one file a family."""
