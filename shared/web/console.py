"""The console's pages and files over HTTP. They are the same for everyone and need no key.

All pages are one document, which its script fills according to the path. At ``/``, a program that prefers
JSON gets the API's response.
"""

import re
from collections.abc import Mapping

from werkzeug import Request, Response

from shared.console.files import File, files
from shared.web.errors import PathUnknown

# Like the API's paths, the page of a job takes its id in either case.
_PAGES = re.compile(r"/console(/(new|api|jobs/[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})?)?")
_HTML, _JSON = "text/html", "application/json"
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
    """Return whether the console answers the request."""
    asks_for_page = request.path == "/console" or (request.path == "/" and not _prefers_json(request))
    return request.method in _METHODS and (asks_for_page or request.path.startswith("/console/"))


def answer(request: Request) -> Response | None:
    """Return the console's response, or None for other requests. Raises PathUnknown below ``/console/``."""
    if not concerns(request):
        return None
    if request.path == "/" or _PAGES.fullmatch(request.path):
        return _send(request, files().page, _PAGE_CACHING)
    if (found := files().static.get(request.path)) is not None:
        return _send(request, found, _STATIC_CACHING)
    # The API would ask for a key first, which nothing below this path needs.
    raise PathUnknown


def _prefers_json(request: Request) -> bool:
    # A client without preferences, such as curl, gets the page.
    return request.accept_mimetypes.best_match((_HTML, _JSON), _HTML) == _JSON


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
