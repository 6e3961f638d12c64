import http.client
import json
import socket
import threading
from urllib.parse import urlsplit

import pytest

from curate.review.server import MOST_BYTES, Server


class Session:
    """Answers are a list, and the disk may be full."""

    def __init__(self):
        self.given, self.full = [], False

    def state(self):
        return {"documents": 2, "answered": len(self.given), "next": 0, "reviewer": "ana"}

    def document(self, number):
        if number > 1:
            raise IndexError(number)
        return {"number": number, "text": "<script>"}

    def answer(self, number, verdict, note):
        if self.full:
            raise OSError(28, "No space left on device")
        if verdict not in ("human", None):
            raise ValueError(verdict)
        self.document(number)
        self.given.append((number, verdict, note))
        return self.state()


@pytest.fixture
def server():
    with Server(Session()) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(server, path, method="GET", body=None, **headers):
    parts = urlsplit(server.address)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    names = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
    connection.request(method, path, body, names)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response, content


def answer(server, said, **headers):
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    given = {"Content_Type": "application/json", "X_Curate_Token": server.token} | headers
    return ask(server, f"/{server.token}/answer", "POST", body, **given)


SAID = {"number": 0, "verdict": "human", "note": "sure"}


def test_the_page_and_what_it_is_made_of(server):
    for name, kind in (("", "text/html"), ("page.css", "text/css"), ("page.js", "text/javascript")):
        response, content = ask(server, f"/{server.token}/{name}")
        assert response.status == 200 and response.getheader("Content-Type").startswith(kind) and content
        policy = response.getheader("Content-Security-Policy")
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert response.getheader("X-Content-Type-Options") == "nosniff"
        assert response.getheader("Referrer-Policy") == "no-referrer"
        assert response.getheader("Access-Control-Allow-Origin") is None
    page = ask(server, f"/{server.token}/")[1].decode()
    script = ask(server, f"/{server.token}/page.js")[1].decode()
    assert "http" not in page and "onclick" not in page and "style=" not in page
    assert not any(unsafe in script for unsafe in ("innerHTML", "outerHTML", "insertAdjacent", "eval(", "http:"))


def test_documents_and_answers(server):
    assert json.loads(ask(server, f"/{server.token}/state")[1])["documents"] == 2
    assert json.loads(ask(server, f"/{server.token}/document/1")[1])["text"] == "<script>"
    response, content = answer(server, SAID)
    assert response.status == 200 and json.loads(content)["answered"] == 1
    answer(server, {"number": 1, "verdict": None})
    assert server.session.given == [(0, "human", "sure"), (1, None, "")]


def test_it_listens_to_this_machine_only(server):
    assert server.server_address[0] == "127.0.0.1"
    with Server(Session()) as other:
        assert other.token != server.token and len(other.token) >= 20


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1", "", "127.0.0.1:1"])
def test_another_name_is_not_served(server, host):
    response, content = ask(server, f"/{server.token}/state", Host=host)
    assert response.status == 421 and b"documents" not in content
    assert answer(server, SAID, Host=host)[0].status == 421
    assert server.session.given == []


def test_localhost_is_a_name_of_it(server):
    assert ask(server, f"/{server.token}/state", Host=f"localhost:{server.server_port}")[0].status == 200


@pytest.mark.parametrize(
    "path", ["/", "/state", "//state", "/wrong/state", "/wrong/", "/%2e%2e/state", "/%c3%a9/state"]
)
def test_without_the_token_there_is_nothing(server, path):
    assert ask(server, path)[0].status == 404


def test_bytes_that_are_no_text(server):
    with socket.create_connection(server.server_address, timeout=30) as connection:
        host = f"127.0.0.1:{server.server_port}".encode()
        connection.sendall(b"GET /\xe9\xff/state HTTP/1.1\r\nHost: " + host + b"\r\nX-Other: \xff\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize(
    "path",
    ["../page.js", "page.html", "..", "%2e%2e%2fserver.py", "document/", "document/-1", "document/2", "document/%b2",
     "document/1e0", "document/99999999999999999999", "answer", "document/0/../../x"],
)  # fmt: skip
def test_nothing_else_is_found(server, path):
    assert ask(server, f"/{server.token}/{path}")[0].status in (400, 404)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X_Curate_Token": None}, 403),
        ({"X_Curate_Token": "wrong"}, 403),
        ({"X_Curate_Token": "\xff"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content_Type": None}, 415),
    ],
)
def test_another_page_cannot_answer(server, headers, status):
    assert answer(server, SAID, **headers)[0].status == status
    assert server.session.given == []


def test_the_own_page_names_its_origin(server):
    assert answer(server, SAID, Origin=server.address.rsplit("/", 2)[0])[0].status == 200


@pytest.mark.parametrize(
    "said",
    [b"", b"nonsense", b"[]", b"1", b"{}", b"[" * 9_000, b"\xff", {"number": "0", "verdict": "human"},
     {"number": True, "verdict": "human"}, {"number": 0, "verdict": "perhaps"}, {"number": 0, "verdict": ["human"]},
     {"number": 0, "verdict": "human", "note": 1}],
    ids=str,
)  # fmt: skip
def test_what_is_no_answer_is_refused(server, said):
    assert answer(server, said)[0].status == 400
    assert server.session.given == []


def test_too_much_is_not_read(server):
    assert answer(server, b"x" * (MOST_BYTES + 1))[0].status == 413
    assert answer(server, b"", Content_Length="-1")[0].status == 413
    assert answer(server, b"", Transfer_Encoding="chunked")[0].status in (400, 413)


def test_an_answer_that_is_not_saved_is_told(server):
    server.session.full = True
    response, content = answer(server, SAID)
    assert response.status == 500 and json.loads(content)["error"] == "not saved: No space left on device"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "HEAD", "CONNECT"])
def test_other_methods_do_nothing(server, method):
    assert ask(server, f"/{server.token}/answer", method)[0].status == 501
