"""C2PA manifests in the texts of rows: what they say decides, and no row that is kept has them."""

from curate.provenance.signing import ThrowAwaySigner
from curate.transforms import Curate

SETTINGS = {"synthetic": {"enabled": False}, "mixture": {"enabled": False}, "dedupe": {"lines": {"enabled": False}}}


def test_rows(apply, tmp_path):
    signer = ThrowAwaySigner()
    (tmp_path / "anchors.pem").write_text(signer.anchors_pem)
    words = [f"word{number}" for number in range(300)]
    texts = [" ".join(words[start : start + 90]) for start in (0, 100, 200)]
    rows = [
        {"id": "person", "text": signer.sign_text(texts[0], "digitalCapture")},
        {"id": "copy", "text": texts[0]},
        {"id": "denied", "text": signer.sign_text(texts[1], "digitalCapture", {"cawg.ai_training": "notAllowed"})},
        {"id": "other", "text": texts[2]},
    ]
    settings = {**SETTINGS, "provenance": {"trust_anchors": str(tmp_path / "anchors.pem")}}
    outputs = apply(Curate(settings), rows)
    kept = {row["id"]: row["text"] for row in outputs["kept"]}
    assert kept == {"person": texts[0], "other": texts[2]}
    dropped = {row["id"]: row["curate_reason"] for row in outputs["dropped"]}
    assert dropped == {"copy": "exact", "denied": "rights"}
