"""A run opens no connection, whatever its data ask for: watched from outside, the C2PA library's client included."""

import http.server
import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.provenance.evidence import from_lists
from curate.provenance.signing import ThrowAwaySigner, make_png

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "curate.pipelines.cli"]
WATCHED = "connect,sendto,sendmsg,sendmmsg"


@pytest.fixture
def server():
    """A server on this machine that counts what it is asked for."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        do_POST = do_GET

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        serving.asked = asked
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


@pytest.fixture
def inviting(server, tmp_path):
    """Documents that ask to be looked up: a remote manifest, an OCSP address, media and links elsewhere."""
    address = f"http://127.0.0.1:{server.server_port}"
    signer = ThrowAwaySigner(ocsp=address)
    png = make_png(1, 2, 3)
    remote = signer.sign_remote(png, "image/png", "digitalCapture", f"{address}/one.c2pa")
    table = {
        "id": ["remote", "ocsp", "elsewhere", "text"],
        "media": pa.array([remote, signer.sign(png, "image/png", "digitalCapture"), None, None], pa.binary()),
        "media_path": [None, None, f"{address}/photo.png", None],
        "text": [None, None, None, f"Words with a link, {address}/page, and more of them. " * 20],
        "url": [f"{address}/{name}" for name in "abcd"],
    }
    pq.write_table(pa.table(table), tmp_path / "in.parquet")
    (tmp_path / "anchors.pem").write_text(signer.anchors_pem)
    (tmp_path / "remote.png").write_bytes(remote)
    (tmp_path / "signed.png").write_bytes(signer.sign(png, "image/png", "digitalCapture"))
    return tmp_path


def run_watched(folder, *arguments):
    """Runs curate; the calls that reach for another machine or process by the internet protocol."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    trace = folder / "trace"
    watch = ["strace", "-f", "-qq", "-e", f"trace={WATCHED}", "-e", "signal=none", "-o", str(trace)]
    done = subprocess.run(
        [*watch, *COMMAND, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if "ptrace" in done.stderr and done.returncode:
        pytest.skip("this system lets no process be traced")
    assert done.returncode == 0, done.stderr
    return [line for line in trace.read_text().splitlines() if "AF_INET" in line]


def arguments(folder, isolate=False):
    anchors = f"provenance.trust_anchors={folder / 'anchors.pem'}"
    told = ["--set", anchors, "--set", f"provenance.isolate={str(isolate).lower()}"]
    return ["run", "--input", folder / "in.parquet", "--output", folder / "out", *told]


def kinds(folder):
    ledger = pa.concat_tables([pq.read_table(path) for path in (folder / "out" / "ledger").glob("*.parquet")])
    items = zip(ledger["id"].to_pylist(), from_lists(ledger["evidence"]), strict=True)
    return {id: [item.kind for item in row if item.family == "credentials"] for id, row in items}


EXPECTED = {"remote": ["c2pa_remote"], "ocsp": ["c2pa_trusted"], "elsewhere": ["c2pa_unreadable"], "text": []}


@pytest.mark.parametrize("isolate", [False, True])
def test_a_run_connects_to_nothing(inviting, server, isolate):
    assert run_watched(inviting, *arguments(inviting, isolate)) == []
    assert server.asked == []
    trust = json.loads((inviting / "out" / "manifest.json").read_text())["trust"]
    assert [entry["name"] for entry in trust["lists"]] == ["C2PA Trust List", "C2PA TSA Trust List"]
    assert trust["operator"]["certificates"] == 1
    assert kinds(inviting) == EXPECTED


def test_a_run_needs_no_network(inviting):
    enter = ["unshare", "--user", "--map-root-user", "--net"]
    if not shutil.which("unshare") or subprocess.run([*enter, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no network namespace can be made here")
    command = [*enter, *COMMAND, *map(str, arguments(inviting))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert kinds(inviting) == EXPECTED


def test_the_watch_sees_a_connection(inviting, server):
    """With the network allowed the same assets are looked up: the tests above can fail."""
    told = ["--set", "provenance.network=true", "--set", f"provenance.trust_anchors={inviting / 'anchors.pem'}"]
    seen = run_watched(inviting, "provenance", *told, inviting / "remote.png", inviting / "signed.png")
    assert any(f"htons({server.server_port})" in call for call in seen)
    assert "/one.c2pa" in server.asked
    assert any(path.startswith("/MFUw") for path in server.asked)  # a question to OCSP, in base64 (RFC 6960, A.1)
