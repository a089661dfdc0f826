"""What the framework works out of the routes, once a process and not once a service.

Litestar reads the signature of every handler and builds its tree of routes anew for each application:
three quarters of what it takes to make one, and the same each time. So a service is given the tree
of one that is closed, where its handlers are declared alike. Its functions, its parts and its
lifespan are its own, and a tree serves one service at a time.
"""

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from api.app import Parts, create_app
from api.edge import Edge
from api.settings import Settings

Declared = list[tuple[Any, ...]]

_free: list[tuple[Declared, Litestar]] = []


@contextmanager
def application(settings: Settings, parts: Parts) -> Iterator[Edge]:
    """As `create_app` makes it. Closed when this ends; after an error its tree is not used again."""
    taken: list[tuple[Declared, Litestar]] = []

    def litestar(
        handlers: Sequence[HTTPRouteHandler], *, lifespan: Sequence[Any], **options: Any
    ) -> Litestar:
        declared = [_declared(handler) for handler in handlers]
        found = next((free for free in reversed(_free) if free[0] == declared), None)
        if found is None:
            found = declared, Litestar(handlers, lifespan=lifespan, **options)
        else:
            _free.remove(found)
            _use(found[1], handlers, lifespan)
        taken.append(found)
        return found[1]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("api.app.Litestar", litestar)
        app = create_app(settings, parts)
    yield app
    _free.extend(taken)


def _declared(handler: HTTPRouteHandler) -> tuple[Any, ...]:
    """All that the framework reads of a handler before the first request."""
    fn = handler.fn
    said = [
        getattr(handler, name, None)
        for kind in type(handler).__mro__
        for name in getattr(kind, "__slots__", ())
        if not name.startswith("_") and name != "owner"
    ]
    return fn.__code__, fn.__annotations__, fn.__defaults__, fn.__kwdefaults__, *said


def _use(tree: Litestar, handlers: Sequence[HTTPRouteHandler], lifespan: Sequence[Any]) -> None:
    own = {_place(handler): handler.fn for handler in handlers}
    for route in tree.routes:
        assert isinstance(route, HTTPRoute)
        for handler in route.route_handlers:
            if (fn := own.get(_place(handler))) is not None:
                assert inspect.iscoroutinefunction(fn)
                handler._fn = fn
    tree._lifespan_managers = list(lifespan)


def _place(handler: HTTPRouteHandler) -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(handler.paths), frozenset(map(str, handler.http_methods))
