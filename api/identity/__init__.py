"""The demo's OpenID provider: authorisation code with PKCE on loopback, personas instead of people.

In service the city's own provider stands here; the API sees only its issuer and its JWKS URL.
"""
