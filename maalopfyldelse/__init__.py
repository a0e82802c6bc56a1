"""The domain: what a performance contract asks, what the extracts say, and how the one is held against the other.

Knows nothing of Dagster. Import modules directly; this package body stays empty so that a command pays only for what it uses.
"""
