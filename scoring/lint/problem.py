"""One thing a linter refuses, and where it stands."""

import msgspec


class LintProblem(msgspec.Struct, frozen=True, kw_only=True):
    """`where`: file, entry and member; `rule`: stable word; `message`: what, why and on what basis.

    `file`: name of the TOML file; `line`: 1-based line of the member, or of what should hold it; 0
    where the check does not know.
    """

    where: str
    rule: str
    message: str
    file: str = ""
    line: int = 0
