"""A page on this machine that shows held documents and takes answers. Standard library only: five routes.

Only this machine can connect. The address has a random part that no other page or user of the machine can guess, and
it is asked for with every request; the Host header must name this server, so that no name of somebody else's that
points here is served (DNS rebinding); answers must be JSON, bear the random part in a header and come from the page
itself, which no form and no script of another page can do (CSRF). The page loads nothing from elsewhere, runs no inline
script, and puts texts in as text. No path of a request reaches the filesystem.
"""

import hmac
import json
import secrets
import sys
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from typing import Any

from curate.review.session import Session

MOST_BYTES = 16_384
"""Of the body of a request."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
PAGE = {
    "": ("page.html", "text/html; charset=utf-8"),
    "page.css": ("page.css", "text/css; charset=utf-8"),
    "page.js": ("page.js", "text/javascript; charset=utf-8"),
}


class Server(ThreadingHTTPServer):
    """Serves one session on 127.0.0.1.

    Attributes:
        token: the part of the address that only its user knows.
    """

    daemon_threads = True

    def __init__(self, session: Session, port: int = 0) -> None:
        """Takes a port, any free one by default.

        Raises:
            OSError: the port cannot be had.
        """
        self.session = session
        self.token = secrets.token_urlsafe(16)
        self.page = {
            name: ((resources.files("curate.review") / "page" / file).read_bytes(), kind)
            for name, (file, kind) in PAGE.items()
        }
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.server_port}/{self.token}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of a browser that went away, and of other errors what Python does."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "curate", ""
    timeout = 60

    def do_GET(self) -> None:
        """The page, the state of the review, or a document."""
        route = self._route()
        if route is None:
            return
        if route in self.server.page:
            self._send(HTTPStatus.OK, *self.server.page[route])
        elif route == "state":
            self._json(self.server.session.state())
        else:
            folder, _, number = route.partition("/")
            if folder == "document" and number.isascii() and number.isdigit() and len(number) < 10:
                self._answered(lambda: self.server.session.document(int(number)))
            else:
                self._refuse(HTTPStatus.NOT_FOUND, "there is nothing of this name")

    def do_POST(self) -> None:
        """An answer: {number, verdict, note}."""
        route = self._route()
        if route is None:
            return
        if route != "answer":
            self._refuse(HTTPStatus.NOT_FOUND, "there is nothing of this name")
            return
        origin = self.headers.get("Origin")
        same = origin is None or origin in self._own("http://")
        if not (same and hmac.compare_digest(self.headers.get("X-Curate-Token", "").encode(), self._token())):
            self._refuse(HTTPStatus.FORBIDDEN, "answers are taken from this server's own page only")
            return
        if self.headers.get_content_type() != "application/json":
            self._refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "answers are JSON")
            return
        body = self._body()
        if body is not None:
            self._answered(lambda: self._answer(body))

    def _answer(self, body: bytes) -> Any:
        said = json.loads(body)
        number, verdict, note = said["number"], said["verdict"], said.get("note") or ""
        if type(number) is not int or not isinstance(note, str) or not isinstance(verdict, (str, type(None))):
            raise ValueError("number, verdict and note are a number, a word and a text")
        return self.server.session.answer(number, verdict, note)

    def _answered(self, make: Callable[[], Any]) -> None:
        try:
            self._json(make())
        except IndexError:
            self._refuse(HTTPStatus.NOT_FOUND, "there is no document of this number")
        except (ValueError, KeyError, TypeError, RecursionError):
            self._refuse(HTTPStatus.BAD_REQUEST, "this is no answer")
        except OSError as error:
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, f"not saved: {error.strerror}")

    def _route(self) -> str | None:
        """What is asked for behind the token; None where that was refused."""
        token, _, route = self.path.removeprefix("/").partition("?")[0].partition("/")
        if self.headers.get("Host", "") not in self._own():
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST, "this server has another name")
        elif not hmac.compare_digest(token.encode(), self._token()):
            self._refuse(HTTPStatus.NOT_FOUND, "there is nothing of this name; use the address that was printed")
        else:
            return route
        return None

    def _own(self, scheme: str = "") -> tuple[str, str]:
        port = self.server.server_port
        return f"{scheme}127.0.0.1:{port}", f"{scheme}localhost:{port}"

    def _token(self) -> bytes:
        return self.server.token.encode()

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit() and int(length[:9]) <= MOST_BYTES):
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"expected at most {MOST_BYTES:,} bytes")
            return None
        return self.rfile.read(int(length))

    def _json(self, value: Any) -> None:
        self._send(HTTPStatus.OK, json.dumps(value).encode(), "application/json")

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self.close_connection = True  # what else the request brought is not read
        self._send(status, json.dumps({"error": why}).encode(), "application/json")

    def _send(self, status: HTTPStatus, content: bytes, kind: str) -> None:
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Says nothing: the log would have the token."""
