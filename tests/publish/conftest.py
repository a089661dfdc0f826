from tests.support.store_fixtures import running_server, server, snapshots

__all__ = ["running_server", "server", "snapshots"]
