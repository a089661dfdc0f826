"""`make fuzz`: the served OpenAPI document held against the running service, by other people's tools.

A city of its own is built and served, schemathesis asks as every role, a generated client calls every
operation. It takes minutes, so it is no part of the suite."""
