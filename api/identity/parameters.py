"""Form-encoded parameters, read strictly: a repeated or undecodable one refuses the request."""

import re
from urllib.parse import parse_qsl

MAX_FIELDS = 32
MAX_VALUE_CHARS = 2048

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class ParametersMalformed(ValueError):
    pass


def form_parameters(raw: bytes) -> dict[str, str]:
    """RFC 6749 3.1: no parameter twice; empty values count as absent. Raises ParametersMalformed."""
    try:
        text = raw.decode("ascii")
        if _BAD_ESCAPE.search(text):
            raise ParametersMalformed("broken percent escape")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ParametersMalformed:
        raise
    except ValueError as error:
        raise ParametersMalformed("not form-encoded UTF-8") from error
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        raise ParametersMalformed("a parameter appears twice")
    if any(len(value) > MAX_VALUE_CHARS or _CONTROL.search(value) for _, value in pairs):
        raise ParametersMalformed("a parameter is too long or holds control characters")
    return {name: value for name, value in pairs if value}
