"""An OpenID provider's key set and nothing more of one: enough for a service to check tokens with."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from api.signing_keys import SigningKey, jwks_of


@contextmanager
def key_set(key: SigningKey) -> Iterator[str]:
    """Serves the public half of `key` on loopback at every path; yields the issuer."""
    body = json.dumps(jwks_of(key)).encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
