"""The document's bytes for an application, to be made once and served."""

import msgspec
from litestar import Litestar

from api.access import RouteTable, route_table_of
from api.openapi.complete import Accesses, Document, complete_document


def accesses_of(table: RouteTable) -> Accesses:
    return {
        (method, route.template): access
        for route in table.routes
        for method, access in route.operations.items()
    }


def document_of(app: Litestar) -> Document:
    """Of Litestar's own document paths, parameters, bodies, schemas and version are used."""
    return complete_document(app.openapi_schema.to_schema(), accesses_of(route_table_of(app)))


def describe(app: Litestar) -> bytes:
    """JSON in UTF-8; the same application always gives the same bytes."""
    return msgspec.json.encode(document_of(app))
