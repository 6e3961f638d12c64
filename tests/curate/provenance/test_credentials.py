import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matrix import JPEG, tampered

from curate.config import Provenance
from curate.provenance import credentials as module
from curate.provenance.credentials import credential_evidence, make_context, read_credentials
from curate.provenance.native import Answer
from curate.provenance.rubric import judge_store
from curate.provenance.signing import make_png

# digitalSourceType: claim, llr when trusted, llr when the signer is untrusted (science 4.3 and 4.6).
RUBRIC = {
    "trainedAlgorithmicMedia": ("synthetic", 8, 5),
    "trainedAlgorithmicData": ("synthetic", 8, 5),
    "compositeWithTrainedAlgorithmicMedia": ("mixed", 2, 1),
    "compositeSynthetic": ("mixed", 2, 1),
    "composite": ("unknown", 0.5, 0.5),
    "screenCapture": ("unknown", 0.5, 0.5),
    "virtualRecording": ("unknown", 0.5, 0.5),
    "digitalCapture": ("human", -5, -0.5),
    "computationalCapture": ("human", -5, -0.5),
    "compositeCapture": ("human", -5, -0.5),
    "negativeFilm": ("human", -5, -0.5),
    "positiveFilm": ("human", -5, -0.5),
    "print": ("human", -2, -0.5),
    "digitalCreation": ("human", -2, -0.5),
    "humanEdits": ("unknown", 0, 0),
    "algorithmicallyEnhanced": ("unknown", 0, 0),
    "algorithmicMedia": ("procedural", 0, 0),
    "dataDrivenMedia": ("procedural", 0, 0),
    "empty": ("unknown", 0, 0),
}
# What a component does to a captured asset: its own claim, but a synthetic part makes the whole mixed. A component
# that says nothing about origin leaves the capture as it was.
AS_COMPONENT = {"synthetic": ("mixed", 2, 1)}
SILENT = {"humanEdits", "algorithmicallyEnhanced", "empty"}


def verdict(asset, context, sidecar=None):
    found = read_credentials(asset, sidecar=sidecar, context=context)
    assert found.error is None
    (item,) = credential_evidence(found)
    return found.validation_state, item.kind, item.claim, item.llr


def check_states(asset, contexts, claim, trusted, valid):
    assert verdict(asset, contexts.trusted) == ("Trusted", "c2pa_trusted", claim, trusted)
    assert verdict(asset, contexts.untrusted) == ("Valid", "c2pa_valid", claim, valid)
    for context in (contexts.trusted, contexts.untrusted):
        assert verdict(tampered(asset, "PNG"), context) == ("Invalid", "c2pa_invalid", "unknown", 0.0)


@pytest.mark.parametrize("source_type", RUBRIC)
def test_strengths(signer, contexts, png, source_type):
    plain = signer.sign(png, "image/png", source_type)
    check_states(plain, contexts, *RUBRIC[source_type])
    assert read_credentials(plain, context=contexts.trusted).digital_source_types == (source_type,)

    child = signer.sign(png, "image/png", None, ingredients=[("parentOf", plain)])
    check_states(child, contexts, *RUBRIC[source_type])

    collage = signer.sign(png, "image/png", "digitalCapture", ingredients=[("componentOf", plain)])
    expected = RUBRIC[source_type]
    if source_type in SILENT or expected[0] == "human":
        whole = ("human", max(-5, expected[1]) if expected[0] == "human" else -5, -0.5)
    else:
        whole = AS_COMPONENT.get(expected[0], expected)
    check_states(collage, contexts, *whole)


def test_a_lone_store_is_read_but_binds_nothing(signer, contexts, png):
    found = read_credentials(signer.sign_sidecar(png, "image/png", "digitalCapture"), context=contexts.trusted)
    assert (found.has_credentials, found.validation_state) == (True, "Invalid")
    assert found.digital_source_types == ("digitalCapture",)
    assert found.failures == ("assertion.dataHash.mismatch",)


def test_a_sidecar_serves_text_too(signer, contexts):
    text = b"Written by hand, signed beside."
    sidecar = signer.sign_sidecar(text, "text/plain", "digitalCreation")
    assert verdict(text, contexts.trusted, sidecar)[:3] == ("Trusted", "c2pa_trusted", "human")


def test_a_prompt_does_not_propagate(signer, contexts, png):
    prompt = signer.sign(png, "image/png", "trainedAlgorithmicMedia")
    asset = signer.sign(png, "image/png", "digitalCapture", ingredients=[("inputTo", prompt)])
    assert verdict(asset, contexts.trusted)[2:] == ("human", -5.0)
    assert "trainedAlgorithmicMedia" in read_credentials(asset, context=contexts.trusted).digital_source_types


def test_an_invalid_ingredient_contributes_nothing(signer, contexts, png):
    broken = tampered(signer.sign(png, "image/png", "trainedAlgorithmicMedia"), "PNG")
    asset = signer.sign(png, "image/png", "digitalCapture", ingredients=[("componentOf", broken)])
    assert verdict(asset, contexts.trusted)[2:] == ("human", -5.0)


def test_an_ingredient_without_credentials_is_of_unknown_provenance(signer, contexts, png):
    for source_type, relationship in ((None, "parentOf"), ("digitalCapture", "componentOf")):
        asset = signer.sign(png, "image/png", source_type, ingredients=[(relationship, png)])
        assert verdict(asset, contexts.trusted)[2:] == ("unknown", 0.0)


def test_an_ingredient_by_an_untrusted_signer_weighs_as_such(signer, contexts, png):
    stranger = type(signer)("somebody else")
    photo = stranger.sign(png, "image/png", "digitalCapture")
    asset = signer.sign(png, "image/png", None, ingredients=[("parentOf", photo)])
    assert verdict(asset, contexts.trusted) == ("Trusted", "c2pa_trusted", "human", -0.5)


GENAI = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
HUMAN_EDITS = "http://cv.iptc.org/newscodes/digitalsourcetype/humanEdits"


@pytest.mark.parametrize(
    ("first", "later", "complete", "expected"),
    [
        ("digitalCapture", [{"action": "c2pa.edited", "digitalSourceType": GENAI}], True, ("mixed", 2)),
        ("digitalCapture", [{"action": "c2pa.transcoded", "digitalSourceType": GENAI}], True, ("human", -5)),
        ("digitalCapture", [{"action": "c2pa.edited", "digitalSourceType": HUMAN_EDITS}], True, ("human", -5)),
        ("digitalCapture", [{"action": "c2pa.cropped"}], False, ("human", -2.5)),
        ("digitalCapture", [{"action": "com.acme.magic"}], True, ("unknown", -2.5)),
        ("trainedAlgorithmicMedia", [{"action": "com.acme.magic"}], False, ("synthetic", 8)),
        ("empty", [{"action": "c2pa.drawing", "digitalSourceType": GENAI}], True, ("synthetic", 8)),
    ],
)
def test_later_actions(signer, contexts, png, first, later, complete, expected):
    asset = signer.sign(png, "image/png", first, later_actions=later, all_actions_included=complete)
    assert verdict(asset, contexts.trusted)[2:] == expected


@pytest.mark.parametrize(
    ("uses", "expected"),
    [
        ({"cawg.ai_training": "allowed"}, "allowed"),
        ({"cawg.ai_training": "constrained", "cawg.data_mining": "allowed"}, "constrained"),
        ({"cawg.data_mining": "allowed", "cawg.ai_generative_training": "notAllowed"}, "notAllowed"),
        (None, None),
    ],
)
def test_training_mining(signer, contexts, png, uses, expected):
    asset = signer.sign(png, "image/png", "digitalCapture", uses)
    assert read_credentials(asset, context=contexts.trusted).training_mining == expected
    child = signer.sign(png, "image/png", None, {"cawg.ai_inference": "allowed"}, ingredients=[("parentOf", asset)])
    assert read_credentials(child, context=contexts.trusted).training_mining == (expected or "allowed")


def store(label, entries):
    manifest = {"assertions": [{"label": label, "data": {"entries": entries}}]}
    return {"active_manifest": "m", "manifests": {"m": manifest}, "validation_state": "Valid"}


@pytest.mark.parametrize("label", ["c2pa.training-mining", "c2pa.training-mining__1", "cawg.training-mining"])
@pytest.mark.parametrize("key", ["constraints_info", "constraint_info", None])
def test_constraints(label, key):
    entry = {"use": "constrained"} | ({key: "ask first"} if key else {})
    found = module._from_answer(Answer(), store(label, {"c2pa.ai_training": entry}))
    assert (found.training_mining, found.constraints_explained) == ("constrained", key is not None)


def test_a_remote_manifest_is_told_and_not_fetched(signer, contexts, png):
    asset = signer.sign_remote(png, "image/png", "digitalCapture", "https://credentials.invalid/one.c2pa")
    found = read_credentials(asset, context=contexts.trusted)
    assert (found.has_credentials, found.remote_url, found.error) == (
        False,
        "https://credentials.invalid/one.c2pa",
        None,
    )
    (item,) = credential_evidence(found)
    assert (item.kind, item.llr) == ("c2pa_remote", 0.0)
    assert found.remote_url in item.detail


def test_without_credentials(contexts, png):
    assert credential_evidence(read_credentials(png, context=contexts.trusted)) == []
    assert not read_credentials(JPEG, context=contexts.trusted).has_credentials


@pytest.mark.parametrize(
    "data", [b"", b"x", b"garbage" * 99, b"PK\x03\x04" + b"0" * 80, b"%PDF-1.7\n", b"\xff\xd8\xff"]
)
def test_what_cannot_be_read_is_an_error(contexts, data):
    found = read_credentials(data, context=contexts.trusted)
    assert found.error
    assert "\n" not in found.error
    assert credential_evidence(found)[0].llr == 0.0


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_truncated_and_mutated_assets_never_raise(signer, contexts, data):
    asset = bytearray(signer.sign(make_png(1, 2, 3), "image/png", "digitalCapture"))
    for _ in range(data.draw(st.integers(0, 4))):
        asset[data.draw(st.integers(0, len(asset) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(asset)))
    found = read_credentials(bytes(asset[:end]), context=contexts.trusted)
    assert len(credential_evidence(found)) <= 1


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_bytes_never_raise(contexts, data):
    credential_evidence(read_credentials(data, context=contexts.trusted))


def manifests(count, ingredients_of):
    return {
        "active_manifest": "0",
        "manifests": {str(i): {"assertions": [], "ingredients": ingredients_of(i)} for i in range(count)},
    }


@pytest.mark.parametrize("odd", [None, 1, [], {}, [[]], [{}], [{"code": []}]])
def test_values_of_the_wrong_type_never_raise(odd):
    action = {"action": odd, "digitalSourceType": odd}
    ingredient = {
        "active_manifest": "0",
        "relationship": odd,
        "validation_status": odd,
        "validation_results": {"activeManifest": {"failure": odd, "success": odd}},
    }
    assertion = {"label": "c2pa.actions", "data": {"actions": [action, odd]}}
    manifest = {"assertions": [assertion, odd], "ingredients": [ingredient, odd]}
    for extra in ({"validation_results": odd}, {"validation_results": {"ingredientDeltas": odd}}):
        judge_store({"active_manifest": "0", "manifests": {"0": manifest, "1": odd}, **extra}, True)
    judge_store({"active_manifest": odd, "manifests": odd}, True)


def created(store_, label, source_type):
    action = {"action": "c2pa.created", "digitalSourceType": source_type}
    store_["manifests"][label]["assertions"] = [
        {"label": "c2pa.actions.v2", "data": {"actions": [action], "allActionsIncluded": True}}
    ]
    return store_


def parent(label):
    return {"relationship": "parentOf", "active_manifest": str(label)}


def test_cycles_depth_and_crowds():
    cycle = created(manifests(2, lambda i: [parent(1 - i)]), "1", "trainedAlgorithmicMedia")
    assert judge_store(cycle, True).claim == "synthetic"
    near = created(manifests(17, lambda i: [parent(i + 1)] if i < 16 else []), "16", "trainedAlgorithmicMedia")
    assert judge_store(near, True).claim == "synthetic"
    far = created(manifests(18, lambda i: [parent(i + 1)] if i < 17 else []), "17", "trainedAlgorithmicMedia")
    assert judge_store(far, True).claim == "unknown"
    crowd = created(manifests(10_001, lambda i: [parent(k) for k in range(1, 10_001)] if i == 0 else []), "0", "empty")
    assert judge_store(crowd, True).claim == "unknown"
    diamonds = created(manifests(16, lambda i: [parent(i + 1)] * 50 if i < 15 else []), "15", "digitalCapture")
    assert judge_store(diamonds, True).claim == "human"


KEYS = [
    "assertions",
    "ingredients",
    "label",
    "data",
    "actions",
    "action",
    "allActionsIncluded",
    "digitalSourceType",
    "relationship",
    "active_manifest",
    "validation_results",
    "validation_status",
    "activeManifest",
    "ingredientDeltas",
    "failure",
    "code",
]
JSON = st.recursive(
    st.none() | st.integers() | st.sampled_from(["0", "c2pa.created", "parentOf", "digitalCapture"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON, JSON, JSON)
@settings(max_examples=100, deadline=None)
def test_hostile_stores_never_raise(assertions, ingredients, results):
    manifest = {"assertions": assertions, "ingredients": ingredients}
    judge_store({"active_manifest": "0", "manifests": {"0": manifest}, "validation_results": results}, True)


def test_contexts_are_made_once_and_offline(monkeypatch, anchors):
    made = []
    monkeypatch.setattr(module, "NativeReader", lambda settings, _: made.append(settings) or object())
    module._context.cache_clear()
    try:
        assert make_context(Provenance()) is make_context(Provenance())
        make_context(Provenance(trust_anchors=anchors, network=True))
    finally:
        module._context.cache_clear()
    offline, online = made
    assert offline["verify"] == {"remote_manifest_fetch": False, "ocsp_fetch": False}
    assert online["verify"] == {"remote_manifest_fetch": True, "ocsp_fetch": True}
