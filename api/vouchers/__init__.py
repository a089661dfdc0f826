"""Vouchers: proof, good for two minutes, that its bearer may have one benefit at one partner.

The citizen shows it, a gate without network checks it with the published key. Its bytes are a
compact JWS (RFC 7515) with ES256 and a header that is always the same:

    {"alg":"ES256","typ":"voucher+jwt"} . {"aud":partner,"exp":second,"jti":16 chars,"policy":id}

That it exists says "eligible"; it holds no person, no pseudonym, no score. Explicit `typ` and the
fixed header keep it apart from access tokens made with the same key (RFC 8725 3.11).

Replay window: from its issue to `exp`, 120 s by the gate's own clock, and as much longer as that
clock is behind (`terms.toml`). Within it a gate remembers every `jti` (`replay`), so that a voucher
opens once at all gates that share a memory; two gates without a network cannot know of each other.
"""
