from tests.support.store_fixtures import running_server, server

__all__ = ["running_server", "server"]
