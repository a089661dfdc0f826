"""The OpenAPI 3.1 document: what Litestar derives from the handlers, completed from the tables.

Who may call, what can be refused and what may be cached come from each operation's Access, so the
document cannot promise other than what the edge does; words, examples and limits stand here.
"""
