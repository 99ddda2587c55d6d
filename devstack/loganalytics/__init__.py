"""A Log Analytics workspace for one machine: takes what the exporter posts, answers KQL."""
