"""What Litestar derives its document with; everything else of ours is added by `complete`."""

from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from api.openapi.about import TITLE

# Litestar insists on serving its own rendering; the edge lets nobody there (no Access).
RAW_PATH = "/litestar"


def openapi_config(version: str) -> OpenAPIConfig:
    """`version`: of the service, as in its distribution."""
    return OpenAPIConfig(
        title=TITLE, version=version, path=RAW_PATH, render_plugins=[JsonRenderPlugin()]
    )
