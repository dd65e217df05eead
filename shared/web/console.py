"""The console's pages and files over HTTP. They are the same for everyone and need no key.

All pages are one document, which its script fills according to the path. A program that requests ``/`` still
gets the API's response: only a request for HTML gets the console.
"""

import re
from collections.abc import Mapping

from werkzeug import Request, Response

from shared.console.files import STATIC, File, files

_PAGES = re.compile(r"/console(/(new|api|jobs/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?)?")
_METHODS = {"GET", "HEAD"}
_CONTENT_SECURITY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
    # The browser rejects every API that turns text into markup.
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}
_GUARDS = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in _CONTENT_SECURITY.items()),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_PAGE_CACHING = {"Cache-Control": "no-cache", "Vary": "Accept, Accept-Encoding"}
_STATIC_CACHING = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}


def concerns(request: Request) -> bool:
    """Return whether the console may answer the request."""
    asks_for_page = request.path == "/console" or (request.path == "/" and _wants_html(request))
    return request.method in _METHODS and (asks_for_page or request.path.startswith("/console/"))


def answer(request: Request) -> Response | None:
    """Return the console's response, or None for other requests."""
    if not concerns(request):
        return None
    if request.path.startswith(f"{STATIC}/"):
        found = files().static.get(request.path)
        return None if found is None else _send(request, found, _STATIC_CACHING)
    if request.path == "/" or _PAGES.fullmatch(request.path):
        return _send(request, files().page, _PAGE_CACHING)
    return None


def _wants_html(request: Request) -> bool:
    return any(kind == "text/html" and quality > 0 for kind, quality in request.accept_mimetypes)


def _send(request: Request, file: File, caching: Mapping[str, str]) -> Response:
    headers = {**_GUARDS, **caching, "ETag": f'W/"{file.tag}"'}
    if request.if_none_match.contains_weak(file.tag):
        return Response(status=304, headers=headers)
    packed = request.accept_encodings["gzip"] > 0
    body = file.packed if packed else file.content
    headers |= {"Content-Type": file.media_type, "Content-Length": str(len(body))}
    if packed:
        headers["Content-Encoding"] = "gzip"
    # Send a stream; shared/web/responses.py says why.
    return Response(iter((body,)), headers=headers)
