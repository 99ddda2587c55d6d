"""Policies for tests."""

SMALL = """\
version: 1
purposes: [audit, support]
sensitive_entities: [US_SSN]
custom_entities: [BADGE]
roles:
  Reader:
    permissions: [pii.analyze]
    languages: [en]
    denied_entities: [BADGE]
    max_chars: 10
    max_texts: 2
  Auditor:
    permissions: [audit.read]
    requires: [purpose]
"""
