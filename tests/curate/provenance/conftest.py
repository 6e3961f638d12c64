from types import SimpleNamespace

import pytest

from curate.config import Provenance
from curate.provenance.credentials import make_context
from curate.provenance.signing import ThrowAwaySigner, make_png


@pytest.fixture(scope="session")
def signer():
    return ThrowAwaySigner()


@pytest.fixture(scope="session")
def anchors(signer, tmp_path_factory):
    path = tmp_path_factory.mktemp("anchors") / "anchors.pem"
    path.write_text(signer.anchors_pem)
    return str(path)


@pytest.fixture(scope="session")
def contexts(anchors):
    return SimpleNamespace(
        trusted=make_context(Provenance(trust_anchors=anchors)), untrusted=make_context(Provenance())
    )


@pytest.fixture(scope="session")
def png():
    return make_png(10, 20, 30)
