"""Everything the batch can refuse, as one tree; each class is an exit code of the command.

    ChengxinError            1  anything else of ours
    ├── InputRefused         4  a source file, catalogue, rule or benefit entry is not acceptable
    ├── VerificationFailed   5  a hash, count or signature is not what the manifest says
    ├── GateRefused          6  a correct snapshot that looks wrong: empty, shifted, incomplete
    ├── StoreUnavailable     7  Valkey, ledger or disk cannot be reached or is full
    └── PublishLost          3  another publisher moved the pointer first

Exit codes 0 (done) and 2 (wrong usage) are the shell's own.
"""


class ChengxinError(Exception):
    """`code` is stable; `what` is the cause, `where` the place, `do` the next step for a person."""

    exit_code = 1

    def __init__(self, code: str, what: str, *, where: str = "", do: str = "") -> None:
        self.code = code
        self.what = what
        self.where = where
        self.do = do
        super().__init__(" · ".join(part for part in (f"[{code}] {what}", where, do) if part))

    def __reduce__(self) -> tuple[object, ...]:
        """A refusal crosses process borders whole: by default only the message would."""
        return _refusal, (type(self), self.code, self.what, self.where, self.do)


def _refusal(kind: type[ChengxinError], code: str, what: str, where: str, do: str) -> ChengxinError:
    return kind(code, what, where=where, do=do)


class PublishLost(ChengxinError):
    exit_code = 3


class InputRefused(ChengxinError):
    exit_code = 4


class VerificationFailed(ChengxinError):
    exit_code = 5


class GateRefused(ChengxinError):
    exit_code = 6


class StoreUnavailable(ChengxinError):
    exit_code = 7
