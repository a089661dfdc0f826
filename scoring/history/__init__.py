"""How each score came to be what it is: one row a change, with its cause and its day.

    previous   the snapshot before this one: its scores, items and histories
    lineage    what rows point into, and the days on which the law changed in between
    sides      a record as one of two snapshots counts it, before caps
    changes    two sides → what changed, why, when
    steps      changes in the order of their days → points, each rule's cap applied in between
    rows       new rows before the old ones; the store's records

A row is found by comparing two snapshots; nothing is remembered but their files. What came and went
between two builds leaves no row.
"""
