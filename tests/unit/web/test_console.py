"""The console's pages and files as the API serves them."""

import gzip
import re
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from shared.console.files import files
from shared.web.routes import BACKFILLS
from tests.fakes.web import KEY, Service

ID = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
JSON = {"Accept": "application/json"}
PAGES = [
    *("/console", "/console/", "/console/new", "/console/api"),
    *(f"/console/jobs/{ID}", f"/console/jobs/{ID.upper()}"),
]
STATIC = sorted(files().static)
SOURCES = Path(__file__).parents[3] / "shared/console/static"
MOST_BYTES = 50_000


@pytest.fixture(scope="module")
def service() -> Service:
    return Service()


def get(service: Service, path: str, method: str = "GET", **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return service.call(method, path, None, headers=named)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_html_and_needs_no_key(service: Service, path: str) -> None:
    answer = get(service, path)
    assert (answer.status_code, answer.content_type) == (200, "text/html; charset=utf-8")
    assert answer.data == files().page.content
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("key", [None, KEY])
@pytest.mark.parametrize(
    "accept",
    [
        *(None, "", "*/*", "text/*", "text/html", HTML["Accept"], "application/json, text/html"),
        *("*/*, application/json;q=0.5", "application/json;q=0", "image/png", "nonsense"),
    ],
)
def test_the_root_is_the_console(service: Service, accept: str | None, key: str | None) -> None:
    headers = {} if accept is None else {"Accept": accept}
    answer = service.call("GET", "/", key, headers=headers)
    assert (answer.status_code, answer.data) == (200, get(service, "/console/").data)
    assert "Accept" in answer.headers["Vary"]


@pytest.mark.parametrize(
    "accept",
    [
        *("application/json", "application/*", "application/json, text/plain, */*"),
        *("application/json, text/html;q=0.9", "*/*, text/html;q=0"),
    ],
)
def test_who_prefers_json_gets_the_apis_answer_at_the_root(service: Service, accept: str) -> None:
    headers = {"Accept": accept}
    assert service.call("GET", "/", None, headers=headers).status_code == 401
    answer = service.call("GET", "/", KEY, headers=headers)
    assert (answer.status_code, answer.get_json()) == (404, {"detail": "There is nothing at this path"})


@pytest.mark.parametrize(
    "path",
    [
        "/console/nowhere",
        "/console/jobs",
        "/console/jobs/1",
        f"/console/jobs/{ID}/",
        "/console/new%0A",
        "/console//new",
        "/console/NEW",
        "/console/static/",
        "/console/static/page.html",
        "/console/static/../files.py",
        STATIC[0] + "x",
        "/console/static/0000000000000000/main.js",
    ],
)
@pytest.mark.parametrize("headers", [HTML, JSON, {}], ids=["html", "json", "any"])
def test_other_paths_below_it_are_unknown_without_a_key_too(
    service: Service, path: str, headers: dict[str, str]
) -> None:
    for key in (None, "unknown", KEY):
        answer = service.call("GET", path, key, headers=headers)
        assert (answer.status_code, answer.get_json()) == (404, {"detail": "There is nothing at this path"})
        assert answer.headers["Cache-Control"] == "no-store"
    assert service.call("HEAD", path, None).status_code == 404


@pytest.mark.parametrize("path", ["/consolex", "/Console/"])
def test_paths_beside_it_need_a_key(service: Service, path: str) -> None:
    assert get(service, path, **HTML).status_code == 401
    assert service.call("GET", path, KEY, headers=HTML).status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/console/", STATIC[0]])
def test_nothing_of_it_takes_another_method(service: Service, path: str, method: str) -> None:
    answer = service.call(method, path, KEY, headers=HTML)
    assert (answer.status_code, answer.content_type) == (404, "application/json")


@pytest.mark.parametrize("path", [*PAGES, *STATIC])
def test_every_answer_is_guarded(service: Service, path: str) -> None:
    headers = get(service, path).headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"


def test_files_are_kept_for_ever_under_a_name_that_tells_their_content(service: Service) -> None:
    assert {path.rpartition("/")[2] for path in STATIC} == {
        path.name for path in SOURCES.iterdir() if path.name != "page.html"
    }
    for path in STATIC:
        answer = get(service, path)
        assert answer.data == (SOURCES / path.rpartition("/")[2]).read_bytes()
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_what_is_known_already_is_not_sent_again(service: Service) -> None:
    for path in ("/console/", STATIC[0]):
        tag = get(service, path).headers["ETag"]
        again = get(service, path, If_None_Match=tag)
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == tag
        assert get(service, path, If_None_Match='"other"').status_code == 200


def test_answers_are_packed_for_those_who_unpack(service: Service) -> None:
    total = 0
    for path in ("/console/", *STATIC):
        plain, packed = get(service, path), get(service, path, Accept_Encoding="br, gzip")
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.data) == plain.data
        assert "Content-Encoding" not in plain.headers
        assert len(packed.data) == int(packed.headers["Content-Length"])
        total += len(packed.data)
    assert len(get(service, "/console/").data) < MOST_BYTES
    assert total < MOST_BYTES


def test_head_has_the_headers_alone(service: Service) -> None:
    answer = get(service, "/console/", "HEAD")
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(files().page.content))


def test_the_page_names_every_file_and_nothing_from_elsewhere() -> None:
    page = files().page.content.decode()
    named = set(re.findall(r'(?:src|href)="([^"]+)"', page))
    assert named - {"/console/", "#content"} == set(STATIC)
    assert "<script>" not in page
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|//", page.replace("<!doctype html>", ""))


@pytest.mark.parametrize("path", sorted(SOURCES.glob("*.js")), ids=lambda path: path.name)
def test_modules_show_text_only_and_load_nothing_from_elsewhere(path: Path) -> None:
    source = path.read_text()
    ways_to_markup = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function|srcdoc ="
    )
    assert not re.search(ways_to_markup, source)
    assert "localStorage" not in source
    assert "document.cookie" not in source
    assert set(re.findall(r'["`](https?://[^"`]*)', source)) <= {"http://www.w3.org/2000/svg"}
    for name in re.findall(r'from "\./([a-z_]+\.js)"', source):
        assert (SOURCES / name).is_file()
    assert len(source.splitlines()) < 250


def test_the_description_does_not_know_of_it(service: Service) -> None:
    assert not any(path == "/" or "console" in path for path in service.api.openapi["paths"])
    assert BACKFILLS in service.api.openapi["paths"]
