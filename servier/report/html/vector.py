"""Vector graphics embedded in a page, many of them side by side."""

import re

from markupsafe import Markup

_ROOT = re.compile(r"<svg\b[^>]*>")
_VIEW_BOX = re.compile(r"viewBox=['\"]([^'\"]+)['\"]")
_UNSEEN = re.compile(r"<metadata>.*?</metadata>|<!--.*?-->", re.DOTALL)


def embed(svg: str, name: str) -> Markup:
    """Return a drawing of matplotlib or RDKit as an element of a page that fills the available width.

    Parameters
    ----------
    svg
        The drawing, without any text from a user.
    name
        The name of the drawing, unique in the page; identifiers inside it begin with it.
    """
    root, view_box = _ROOT.search(svg), _VIEW_BOX.search(svg)
    assert root
    assert view_box
    body = _UNSEEN.sub("", svg[root.end() :])
    body = re.sub(r'\bid="', f'id="{name}-', body)
    body = re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", body)
    return Markup(f'<svg viewBox="{view_box[1]}" aria-hidden="true" focusable="false">{body}')  # noqa: S704 - Matplotlib or RDKit drew it
