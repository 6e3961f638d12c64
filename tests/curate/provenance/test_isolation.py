import os
import sys

import pytest

from curate.config import Provenance
from curate.provenance.credentials import make_context, read_credentials
from curate.provenance.isolation import IsolatedReader
from curate.provenance.native import NativeReader
from curate.provenance.revocation import Revocations
from curate.provenance.trust_list import trust_settings

# A child whose library aborts, hangs, ends and babbles on marked assets.
CHILD = """
import os, sys, time
from curate.provenance import isolation, native

def read(self, mime, data, sidecar, real=native.NativeReader.read):
    if b"abort" in data:
        os.abort()
    if b"hang" in data:
        time.sleep(600)
    if b"exit" in data:
        os._exit(3)
    return real(self, mime, data, sidecar)

native.NativeReader.read = read
isolation.serve(sys.stdin.buffer, sys.stdout.buffer)
"""


@pytest.fixture
def reader(anchors):
    settings = {"trust": trust_settings(None, anchors)}
    reader = IsolatedReader(settings, Revocations(), seconds=5, command=[sys.executable, "-c", CHILD])
    yield reader
    reader.close()


def test_the_answers_are_those_of_this_process(signer, anchors, png):
    here = make_context(Provenance(trust_anchors=anchors))
    apart = make_context(Provenance(trust_anchors=anchors, isolate=True))
    assert (type(here), type(apart)) == (NativeReader, IsolatedReader)
    asset = signer.sign(png, "image/png", "digitalCapture")
    remote = signer.sign_remote(png, "image/png", "digitalCapture", "https://credentials.invalid/one.c2pa")
    sidecar = signer.sign_sidecar(png, "image/png", "trainedAlgorithmicMedia")
    for data, beside in ((asset, None), (asset[:-200], None), (png, None), (png, sidecar), (remote, None), (b"", None)):
        found = read_credentials(data, sidecar=beside, context=apart)
        assert found == read_credentials(data, sidecar=beside, context=here)
    assert read_credentials(asset, context=apart).validation_state == "Trusted"


@pytest.mark.parametrize(
    ("marker", "told"),
    [("abort", "the reader crashed (SIGABRT)"), ("exit", "the reader crashed (exit code 3)")],
)
def test_a_crash_costs_its_own_record(reader, signer, png, marker, told):
    asset = signer.sign(png, "image/png", "digitalCapture")
    assert read_credentials(asset + marker.encode(), context=reader).error == told
    assert read_credentials(asset, context=reader).validation_state == "Trusted"
    assert read_credentials(asset + marker.encode(), context=reader).error == told
    assert read_credentials(asset, context=reader).validation_state == "Trusted"


def test_a_child_that_is_killed_is_replaced(reader, signer, png):
    asset = signer.sign(png, "image/png", "digitalCapture")
    assert read_credentials(asset, context=reader).validation_state == "Trusted"
    os.kill(reader._child.pid, 9)
    assert read_credentials(asset, context=reader).error == "the reader crashed (SIGKILL)"
    assert read_credentials(asset, context=reader).validation_state == "Trusted"


def test_a_hang_ends(anchors, signer, png):
    settings = {"trust": trust_settings(None, anchors)}
    reader = IsolatedReader(settings, Revocations(), seconds=1.5, command=[sys.executable, "-c", CHILD])
    try:
        asset = signer.sign(png, "image/png", "digitalCapture")
        assert read_credentials(asset + b"hang", context=reader).error == "the reader took longer than 1.5 seconds"
    finally:
        reader.close()


def test_a_child_that_never_starts(png, tmp_path):
    reader = IsolatedReader({}, Revocations(), command=[sys.executable, "-c", "raise SystemExit(7)"])
    assert reader.read("image/png", png * 10_000, None).error == "the reader crashed (exit code 7)"


def test_large_assets_pass(reader, signer, png):
    asset = signer.sign(png, "image/png", "digitalCapture")
    found = read_credentials(asset + bytes(5_000_000), context=reader)
    assert (found.validation_state, found.error) == ("Invalid", None)


def test_the_folder_of_the_data_is_no_place_for_code(anchors, signer, png, tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise SystemExit")
    monkeypatch.chdir(tmp_path)
    reader = IsolatedReader({"trust": trust_settings(None, anchors)}, Revocations())
    try:
        asset = signer.sign(png, "image/png", "digitalCapture")
        assert read_credentials(asset, context=reader).validation_state == "Trusted"
    finally:
        reader.close()
