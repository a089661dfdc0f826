"""Refusals with the codes of RFC 6749 (4.1.2.1, 5.2), OpenID Connect Core 3.1.2.6 and RFC 7636."""


class AuthorizationRefused(Exception):
    """Shown on our own page: the client or its redirect URI is not to be trusted."""


class AuthorizationFailed(Exception):
    """Sent back to a checked redirect URI as `error` and `error_description` (ASCII)."""

    def __init__(self, error: str, description: str, redirect_uri: str, state: str | None) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.redirect_uri = redirect_uri
        self.state = state


class TokenRefused(Exception):
    """Answered by the token endpoint as JSON; 401 for `invalid_client`, else 400."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status_code = 401 if error == "invalid_client" else 400
