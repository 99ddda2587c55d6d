"""The rooms behind the doors: everything that is deployed, and no trigger code."""
