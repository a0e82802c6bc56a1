"""From a folder of deliveries to typed, immutable rows: what design.md calls delivery, intake and current rows.

`deliveries` finds and hashes files, `take` reads one by its contract, `ledger` remembers, `current` says which rows count.
Here belongs what concerns one file, one cell or one row; what concerns rows together, tables or time is an expectation.
"""
