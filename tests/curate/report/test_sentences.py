import pytest

from curate.report.sentences import MEANINGS, RIGHTS_MEANINGS, rights_sentence, sentence


def item(kind, claim="unknown", llr=0.0, detail="this", family="lineage"):
    return {"family": family, "kind": kind, "claim": claim, "llr": llr, "detail": detail}


@pytest.mark.parametrize("kind", MEANINGS)
def test_every_kind_is_told_with_what_was_seen(kind):
    told = sentence(item(kind, "synthetic", 5.0))
    assert "this" in told and told[0].isupper() and "{" not in told
    assert told.endswith(". It speaks for synthetic (strong, +5.00 nats towards synthetic).")


def test_braces_in_what_was_seen_stay():
    assert "{detail} {0}" in sentence(item("generator", detail="{detail} {0}"))
    assert "{x}" in rights_sentence("deny", [item("robots", "deny", detail="{x}", family="rights")])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (item("new_kind", family="credentials"), "Credentials, new_kind: this. It says nothing of origin."),
        (item("hidden", family="marker", claim="unknown"), "Marker, hidden: this. It says nothing of origin."),
        (item("parent"), "It was made from the document this. It says nothing of origin."),
        (item("answer", "mixed", 0.0), "A reviewer answered: this. It speaks for mixed."),
        (item("camera", "human", -0.5), "weak, -0.50 nats towards human"),
        (
            item("origin_column", "human", -2.0, detail=""),
            "The row itself declares: no details. It speaks for human (mod",
        ),
    ],
)
def test_weight(given, expected):
    assert expected in sentence(given)


def test_rights_name_their_basis():
    assert rights_sentence("unknown", [item("capture_date")]) == ""
    one = rights_sentence("allow", [item("license", "allow", detail="MIT", family="rights")])
    assert one == "Its rights: allow, since they are told as allow by its licence (MIT)."
    both = [item("robots", "deny", family="rights"), item("license", "allow", family="rights")]
    assert "deny (the most restrictive holds)" in rights_sentence("deny", both)
    assert all("{detail}" in meaning for meaning in RIGHTS_MEANINGS.values())
