"""What a C2PA manifest store says about origin, by the signal rubric of the C2PA Conformance Task Force.

The rubric (asset rubrics, 2026-08-06) tells inception signals (`c2pa.created` with a digitalSourceType) from later
actions that change the content. Ingredients carry their own manifests; the origin of the whole is the highest of its
parts on human < unknown < procedural < mixed < synthetic, but a synthetic part of something else makes it mixed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

MAX_DEPTH = 16

INCEPTION_ACTIONS = frozenset({"c2pa.created", "c2pa.opened"})
NON_EDITORIAL_ACTIONS = frozenset(
    {
        "c2pa.converted",
        "c2pa.published",
        "c2pa.repackaged",
        "c2pa.transcoded",
        "c2pa.resized.proportional",
        "c2pa.enhanced",
        "c2pa.edited.metadata",
        "c2pa.watermarked",
        "c2pa.watermarked.bound",
        "c2pa.watermarked.unbound",
        "c2pa.redacted",
    }
)
GENAI_SOURCES = frozenset(
    {"trainedAlgorithmicMedia", "trainedAlgorithmicData", "compositeWithTrainedAlgorithmicMedia", "compositeSynthetic"}
)
POSSIBLY_GENAI_SOURCES = frozenset({"composite", "digitalArt"})
# They tell how something existing was treated, so they leave its origin alone; `empty` is a blank canvas.
NEUTRAL_SOURCES = frozenset({"humanEdits", "minorHumanEdits", "algorithmicallyEnhanced", "empty"})

# Failures that say who signed rather than that something was changed.
_TRUST_FAILURES = frozenset({"signingCredential.untrusted", "timeStamp.untrusted"})


@dataclass(frozen=True)
class Signal:
    """An origin and its strength.

    Attributes:
        claim: human, mixed, synthetic, procedural or unknown.
        trusted: llr in nats when a trusted signer says so.
        valid: llr when the signature is valid but its signer is not on the trust list.
    """

    claim: str
    trusted: float
    valid: float


GENERATED = Signal("synthetic", 8.0, 5.0)
PARTLY_GENERATED = Signal("mixed", 2.0, 1.0)
PROCEDURAL = Signal("procedural", 0.0, 0.0)
POSSIBLY_GENERATED = Signal("unknown", 0.5, 0.5)
UNKNOWN = Signal("unknown", 0.0, 0.0)
CREATED = Signal("human", -2.0, -0.5)
CAPTURED = Signal("human", -5.0, -0.5)

INCEPTION = {
    "trainedAlgorithmicMedia": GENERATED,
    "trainedAlgorithmicData": GENERATED,
    "compositeWithTrainedAlgorithmicMedia": PARTLY_GENERATED,
    "compositeSynthetic": PARTLY_GENERATED,
    "composite": POSSIBLY_GENERATED,
    "screenCapture": POSSIBLY_GENERATED,
    "virtualRecording": POSSIBLY_GENERATED,
    "digitalArt": POSSIBLY_GENERATED,
    "digitalCapture": CAPTURED,
    "computationalCapture": CAPTURED,
    "compositeCapture": CAPTURED,
    "negativeFilm": CAPTURED,
    "positiveFilm": CAPTURED,
    "print": CREATED,
    "digitalCreation": CREATED,
    "algorithmicMedia": PROCEDURAL,
    "dataDrivenMedia": PROCEDURAL,
}

_RANK = {"human": 0, "unknown": 1, "procedural": 2, "mixed": 3, "synthetic": 4}


@dataclass(frozen=True)
class Finding:
    """An origin and its log likelihood ratio.

    Attributes:
        claim: human, mixed, synthetic, procedural or unknown.
        llr: nats, positive towards synthetic.
        ambiguous: a list of actions on the way is open or holds actions that nobody can read.
    """

    claim: str
    llr: float
    ambiguous: bool = False


NOTHING = Finding("unknown", 0.0)


def judge_store(store: dict[str, Any], trusted: bool, revoked: frozenset[str] = frozenset()) -> Finding:
    """The origin that the active manifest of a store claims, its ingredients included.

    Args:
        store: the JSON of a manifest store as c2pa gives it, whose validation state is Trusted or Valid.
        trusted: the signer of the active manifest is on the trust list.
        revoked: labels of manifests whose signers are revoked; as ingredients they contribute nothing.
    """
    finding = _Judge(store, revoked).manifest(store.get("active_manifest"), trusted, 0) or NOTHING
    # What is left untold cannot make generated content less generated: only claims towards human are halved.
    return replace(finding, llr=finding.llr / 2) if finding.ambiguous and finding.llr < 0 else finding


def source_name(uri: object) -> str:
    """The bare name of a digitalSourceType given as URI (IPTC or C2PA base) or as name."""
    return str(uri).rstrip("/").rsplit("/", 1)[-1]


def actions_of(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """The actions of a manifest, from `c2pa.actions` and `c2pa.actions.v2`."""
    return [action for told in _action_assertions(manifest) for action in _dicts(told["data"].get("actions"))]


class _Judge:
    """Walks the graph of manifests once: a manifest met again answers from memory, a cycle contributes nothing."""

    def __init__(self, store: dict[str, Any], revoked: frozenset[str]) -> None:
        self._revoked = revoked
        manifests = store.get("manifests")
        self._manifests = manifests if isinstance(manifests, dict) else {}
        self._known: dict[tuple[str, bool], Finding | None] = {}
        results = store.get("validation_results")
        deltas = _dicts(results.get("ingredientDeltas")) if isinstance(results, dict) else []
        self._deltas = {str(delta.get("ingredientAssertionURI")): delta.get("validationDeltas") for delta in deltas}

    def manifest(self, label: object, trusted: bool, depth: int) -> Finding | None:
        """The finding of one manifest; None where it says nothing."""
        manifest = self._manifests.get(label) if isinstance(label, str) else None
        if not isinstance(manifest, dict) or depth > MAX_DEPTH:
            return NOTHING
        key = (str(label), trusted)
        if key not in self._known:
            self._known[key] = None  # met again while in progress: a cycle
            self._known[key] = self._judge(str(label), manifest, trusted, depth)
        return self._known[key]

    def _judge(self, label: str, manifest: dict[str, Any], trusted: bool, depth: int) -> Finding | None:
        base = _own_finding(manifest, trusted)
        components = []
        for ingredient in _dicts(manifest.get("ingredients")):
            relationship = ingredient.get("relationship", "componentOf")
            if relationship == "inputTo":
                continue  # a prompt or seed is not part of the result
            finding = self._ingredient(label, ingredient, trusted, depth)
            if finding is None:
                continue
            if relationship == "parentOf":
                base = _higher(base, finding)
            else:
                components.append(finding)
        for component in components:
            if component.claim == "synthetic" and base is not None and base.claim != "synthetic":
                component = _finding(PARTLY_GENERATED, trusted)
            base = _higher(base, component)
        return _doubted(base, manifest) if base is not None and base.claim == "human" else base

    def _ingredient(self, label: str, ingredient: dict[str, Any], trusted: bool, depth: int) -> Finding | None:
        if not ingredient.get("active_manifest"):
            return NOTHING
        uri = f"self#jumbf=/c2pa/{label}/c2pa.assertions/{ingredient.get('label')}"
        failed, by_trusted_signer = _ingredient_state(ingredient, self._deltas.get(uri))
        if failed or str(ingredient["active_manifest"]) in self._revoked:
            return None
        return self.manifest(ingredient["active_manifest"], trusted and by_trusted_signer, depth + 1)


def _own_finding(manifest: dict[str, Any], trusted: bool) -> Finding | None:
    """What the actions of one manifest say, without its ingredients."""
    actions = actions_of(manifest)
    inception = [INCEPTION.get(name, UNKNOWN) for name in _sources(actions, INCEPTION_ACTIONS)]
    later = [action for action in actions if _action_name(action) not in INCEPTION_ACTIONS | NON_EDITORIAL_ACTIONS]
    later_names = list(_sources(later))
    blank = any(
        source_name(action.get("digitalSourceType")) == "empty"
        for action in actions
        if _action_name(action) in INCEPTION_ACTIONS
    )
    findings = [_finding(signal, trusted) for signal in inception]
    if blank:
        drawn = [_finding(INCEPTION.get(name, UNKNOWN), trusted) for name in later_names]
        if len({finding.claim for finding in drawn}) > 1 and any(f.claim == "synthetic" for f in drawn):
            drawn = [_finding(PARTLY_GENERATED, trusted)]
        findings += drawn
    elif any(name in GENAI_SOURCES for name in later_names):
        findings.append(_finding(PARTLY_GENERATED, trusted))
    elif any(name in POSSIBLY_GENAI_SOURCES for name in later_names):
        findings.append(_finding(POSSIBLY_GENERATED, trusted))
    result = None
    for finding in findings:
        result = _higher(result, finding)
    return result


def _doubted(finding: Finding, manifest: dict[str, Any]) -> Finding:
    """Marks a human claim as ambiguous where the list of actions is open; an action nobody can read withdraws it.

    Open is also a list that the signer gathered instead of making it (claim version 2).
    """
    names = [_action_name(action) for action in actions_of(manifest)]
    if any(not name.startswith("c2pa.") or name == "c2pa.unknown" for name in names):
        return replace(finding, claim="unknown", ambiguous=True)
    told = _action_assertions(manifest)
    complete = any(assertion["data"].get("allActionsIncluded") is True for assertion in told)
    own = manifest.get("claim_version") != 2 or all(assertion.get("created") is True for assertion in told)
    return finding if complete and own else replace(finding, ambiguous=True)


def _finding(signal: Signal, trusted: bool) -> Finding:
    return Finding(signal.claim, signal.trusted if trusted else signal.valid)


def _higher(one: Finding | None, other: Finding | None) -> Finding | None:
    """The finding that decides of two parts; of equal claims, the one nearer to synthetic."""
    if one is None or other is None:
        return other if one is None else one
    higher = max(one, other, key=lambda finding: (_RANK[finding.claim], finding.llr))
    return replace(higher, ambiguous=one.ambiguous or other.ambiguous)


def _ingredient_state(ingredient: dict[str, Any], deltas: object) -> tuple[bool, bool]:
    """(validation failed, signer trusted) of an ingredient.

    The maker recorded the ingredient's validation; the reader adds how its own differs, which wins for trust.
    """
    recorded = ingredient.get("validation_results")
    recorded = recorded.get("activeManifest") if isinstance(recorded, dict) else None
    trusted, failed = False, False
    for results in (recorded, deltas):
        if not isinstance(results, dict):
            continue
        failures = {str(status.get("code")) for status in _dicts(results.get("failure"))}
        successes = {str(status.get("code")) for status in _dicts(results.get("success"))}
        failed = failed or bool(failures - _TRUST_FAILURES)
        trusted = (
            trusted or "signingCredential.trusted" in successes
        ) and "signingCredential.untrusted" not in failures
    legacy = {str(status.get("code")) for status in _dicts(ingredient.get("validation_status"))}
    return failed or bool(legacy - _TRUST_FAILURES), trusted


def _sources(actions: list[dict[str, Any]], only: frozenset[str] | None = None) -> Iterator[str]:
    """Names of the digitalSourceTypes of actions that say something about origin."""
    for action in actions:
        if action.get("digitalSourceType") and (only is None or _action_name(action) in only):
            name = source_name(action["digitalSourceType"])
            if name not in NEUTRAL_SOURCES:
                yield name


def _action_name(action: dict[str, Any]) -> str:
    return str(action.get("action"))


def _action_assertions(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """The assertions on actions, those whose data can be read."""
    return [
        assertion
        for assertion in _dicts(manifest.get("assertions"))
        if str(assertion.get("label")).startswith("c2pa.actions") and isinstance(assertion.get("data"), dict)
    ]


def _dicts(items: object) -> list[dict[str, Any]]:
    """The dictionaries of a list that a stranger wrote; anything else is left out."""
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
