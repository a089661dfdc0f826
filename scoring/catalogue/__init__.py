"""目录: which kinds of data exist at all. What is not in it is refused at the door.

`entries/*.toml` and `catalogue.toml` are the catalogue; the modules load, lint and publish it.
"""

from scoring.catalogue.kinds import Catalogue, SourceKind
from scoring.catalogue.loading import load_catalogue
from scoring.catalogue.publishing import published_document

__all__ = ["Catalogue", "SourceKind", "load_catalogue", "published_document"]
