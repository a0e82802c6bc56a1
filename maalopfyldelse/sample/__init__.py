"""Synthetic deliveries in the source systems' real formats.

Here belongs what makes the files of data/sample and, with larger numbers, those of the benchmarks: one module a source
system, common.py for what they share. Everything is invented; nothing here reads a declaration or knows a measure.

Same seed and numbers, same bytes, on any supported Python: randomness comes as integers from one generator a source, and
arithmetic is in integers. Rows are written as they are made; no module holds all of its rows.
"""
