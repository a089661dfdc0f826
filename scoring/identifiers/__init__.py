"""Codes that name people and organisations: checked by arithmetic, never against a list.

`id_number` and `uscc` check one code and need the standard library alone; `columns` checks whole
columns as polars expressions. Divisions are not looked up: a code withdrawn after a person's birth
stays valid inside her number, and lists of divisions reject real people.
"""
