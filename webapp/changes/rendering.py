"""Render the description of a package before it is stored."""

from packaging.utils import NormalizedName

from webapp.documents import Package
from webapp.documents.base import declared
from webapp.rendering import RENDERER, render_description

# The rendered description of a package, and the text it was made from.
RENDERED = ("description_html", "description_problem", "description_renderer")
_SOURCE = ("description", "description_content_type")


def stored_rendering(normalized_name: NormalizedName, *also: str) -> Package | None:
    """Return the stored fields about the description, and these fields as well."""
    raw = Package.objects.raw_parts(normalized_name, (*_SOURCE, *RENDERED, *also))
    return None if raw is None else Package(**declared(Package, raw))


def render_into(package: Package, stored: Package | None = None) -> None:
    """Render the description, unless the stored one was made from the same text by the same renderer.

    This takes up to half a minute, so no lock may be held. Raises RenderersBusy.
    """
    if stored and is_rendered(stored) and all(getattr(stored, name) == getattr(package, name) for name in _SOURCE):
        for name in RENDERED:
            setattr(package, name, getattr(stored, name))
        return
    rendered = render_description(package.description or "", package.description_content_type)
    package.description_html, package.description_problem = rendered
    package.description_renderer = RENDERER


def is_rendered(stored: Package) -> bool:
    """Tell whether there is HTML from the current renderer."""
    return stored.description_renderer == RENDERER and stored.description_html is not None
