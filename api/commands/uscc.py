"""`chengxin uscc CODE`: is this unified social credit code right, and if not, what is wrong?

Exit codes: 0 right, 4 wrong, 2 wrong usage.
"""

from typing import Annotated

import typer

from scoring.errors import InputRefused
from scoring.identifiers import uscc as codes

NEXT_STEP = {
    "length": "compare it with the certificate; no blanks or hyphens belong in it",
    "characters": "letters are capital; 0 and O, 1 and I, 2 and Z, 5 and S, U and V are easily mixed up",
    "division": "compare characters 3 to 8 with the certificate",
    "organisation_code": "compare characters 9 to 17 with the certificate",
    "check_digit": "one character is wrong or two are swapped; compare it with the certificate",
}


def uscc(
    code: Annotated[str, typer.Argument(help="18 characters, e.g. 91320100748204660Q")],
) -> None:
    """Check a unified social credit code (GB 32100-2015, with GB 11714 inside it)."""
    problem = codes.problem_of(code)
    if problem is None:
        typer.echo("ok")
        return
    raise InputRefused(f"uscc_{problem}", codes.WHAT[problem], do=NEXT_STEP[problem])
