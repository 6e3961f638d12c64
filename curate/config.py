"""The settings: one typed model, read from YAML and `--set`, with errors that name the nearest valid key.

Every field carries its default and its meaning; `curate config` prints them from here and nowhere else.
"""

import copy
import difflib
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timezone
from typing import Annotated, Any, Literal

import pydantic
from pydantic import BaseModel, ConfigDict, Field

from curate.errors import UsageError
from curate.plain_yaml import load_yaml
from curate.quality.catalogue import GATE, RULES

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
_MOST_TOLD = 500
"""Characters of a value that messages repeat."""
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
OpenFraction = Annotated[float, Field(gt=0.0, lt=1.0)]


class Section(BaseModel):
    """A section of the configuration: unknown keys are errors, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)


class Columns(Section):
    """Names of the input columns that curate reads; a missing optional column is null."""

    id: str = Field("id", description="document id; a content hash where missing or null")
    text: str = Field("text", description="the text of the document")
    media: str = Field("media", description="bytes of an image, audio, video or document file")
    media_path: str = Field("media_path", description="path of such a file, on any Beam filesystem")
    url: str = Field("url", description="where the document was found")
    source: str = Field("source", description="name of the source that the document came from")
    timestamp: str = Field("timestamp", description="capture time (crawl, WARC): trusted")
    published: str = Field("published", description="declared publication time: weak evidence")
    language: str = Field("language", description="ISO 639-1 code; identified by pycld2 where missing or null")
    origin: str = Field("origin", description="declared origin (human, synthetic, mixed): a claim")
    parent: str = Field("parent", description="id of the document that this one was made from")
    license: str = Field("license", description="licence, to be looked up in provenance.licenses")
    rights: str = Field("rights", description="allow, constrained or deny")
    content_usage: str = Field("content_usage", description="AIPREF Content-Usage header, such as train-ai=n")
    robots: str = Field("robots", description="X-Robots-Tag or robots meta tag; or true where use by AI is refused")
    tdm_reservation: str = Field("tdm_reservation", description="TDMRep reservation: 1 reserves the rights, 0 does not")
    tdm_policy: str = Field("tdm_policy", description="URL of the policy that belongs to the reservation")


class Documents(Section):
    """Which columns and which documents are read."""

    columns: Columns = Field(Columns(), description="names of the input columns")
    max_chars: int = Field(
        100_000_000, ge=1, description="longer texts are dropped (stage read, reason too_long); counted in characters"
    )


class SourceRule(Section):
    """What may be dropped as a duplicate among the documents of one source; they may lead others in any case."""

    drop: Literal["near", "exact", "none"] = Field(
        "near", description="near: exact and near duplicates; exact: only those with the same text; none: nothing"
    )
    threshold: OpenFraction | None = Field(None, description="stricter dedupe.threshold for this source")
    containment: Annotated[float, Field(gt=0.0, le=1.0)] | None = Field(
        None, description="stricter dedupe.containment for this source"
    )


class Lines(Section):
    """Repeated lines (boilerplate): removed from all documents that have them but one."""

    enabled: bool = Field(False, description="remove lines that many kept documents share; one document keeps them")
    unit: Literal["line", "paragraph"] = Field(
        "line", description="what is compared and removed: lines, or paragraphs (lines without a blank one between)"
    )
    min_documents: int = Field(
        10, ge=2, description="documents that share a line before it is removed; few share a quotation, many a banner"
    )
    min_tokens: int = Field(6, ge=1, description="shorter lines are never removed, such as headings and idioms of code")


class Dedupe(Section):
    """Exact and near duplicates: MinHash LSH proposes, exact comparison of shingle sets decides."""

    enabled: bool = Field(True, description="find and drop duplicates")
    threshold: OpenFraction = Field(
        0.8, description="least Jaccard similarity of the shingle sets for a near duplicate"
    )
    containment: Annotated[float, Field(gt=0.0, le=1.0)] = Field(
        0.9, description="least share of a document's shingles found in the kept one for a contained duplicate"
    )
    shingle: int = Field(5, ge=1, le=64, description="tokens in a shingle")
    permutations: int = Field(128, ge=16, le=1024, description="MinHash permutations")
    bands: int = Field(
        0, ge=0, description="LSH bands; 0: the cheapest with collision probability .995 at threshold + .05"
    )
    rows: int = Field(0, ge=0, description="rows in a band; 0: chosen together with the bands")
    sources: dict[str, SourceRule] = Field(
        {}, description="source → {drop, threshold, containment}: what may be dropped there, if not as everywhere"
    )
    prefer: tuple[str, ...] = Field(
        (),
        description="input columns that say which copy survives, after own class and trusted signature: the smallest "
        "value, or with a minus the largest (-crawl); then earlier capture, longer text",
    )
    rounds: int = Field(
        8, ge=1, le=64, description="rounds to gather linked documents; what is unresolved after them is kept"
    )
    exclude: tuple[str, ...] = Field(
        (),
        description="files of evaluation texts (Parquet or JSON lines with a text column, and an id column to name "
        "them by); documents that contain one are dropped (stage read, reason evaluation), even if enabled is false",
    )
    exclude_containment: Annotated[float, Field(gt=0.0, le=1.0)] = Field(
        0.8,
        description="least share of an evaluation text's shingles found in a document that is dropped for it; of a "
        "text of 50 words one changed word leaves .89, two leave .78; about as strict as .7 of 8-grams",
    )
    exclude_tokens: int = Field(
        8,
        ge=1,
        description="evaluation texts of fewer tokens are compared with whole documents, as are those shorter than a "
        "shingle: so few words in a row occur by chance",
    )
    lines: Lines = Field(Lines(), description="lines repeated across documents")


class Prior(Section):
    """Share of machine text that is assumed before a document is looked at."""

    captured: OpenFraction = Field(0.01, description="among documents captured before provenance.capture_cutoff")
    declared: OpenFraction = Field(0.10, description="among those that only say to be published before it")
    until_2024: OpenFraction = Field(0.25, description="among those captured or published from then through 2023")
    later: OpenFraction = Field(0.20, description="among later and undated ones")
    sources: dict[str, OpenFraction] = Field(
        {}, description="source → share among its documents that are not dated before the cut-off, such as 0.5"
    )


Verdict = Literal["allow", "constrained", "deny"]
Family = Literal["credentials", "metadata", "lineage", "watermark"]


class Said(Section):
    """An item of evidence that metadata of a data set hold of each of its documents."""

    family: Literal["lineage", "rights"]
    kind: str
    claim: str
    llr: float
    detail: str


class Lineage(Section):
    """What the operator knows of one source."""

    origin: Literal["human", "synthetic", "mixed", "procedural"] | None = Field(
        None, description="who made its documents, as fact"
    )
    capture_cutoff: date | None = Field(None, description="in place of provenance.capture_cutoff")
    reliability: Fraction = Field(1.0, description="how far its origin column is believed; factor of the evidence")
    rights: Verdict | None = Field(None, description="rights in its documents, such as those of a contract")
    metadata: str | None = Field(
        None, description="Croissant file or dataset card (README.md) of the data set that it is"
    )
    said: tuple[Said, ...] = Field((), description="what these metadata say; a run writes it here from the file")


class Provenance(Section):
    """Where a document comes from: content credentials, lineage columns, capture dates, rights."""

    enabled: bool = Field(True, description="read provenance and rights")
    network: bool = Field(False, description="let the C2PA library fetch remote manifests and OCSP answers")
    capture_cutoff: date = Field(
        date(2022, 11, 30), description="what was captured before this day (UTC) was not written by a chat model"
    )
    trust_origin: bool = Field(False, description="take the origin column as fact rather than as a claim")
    human_sources: tuple[str, ...] = Field((), description="values of the source column known to be human")
    synthetic_sources: tuple[str, ...] = Field((), description="values of the source column known to be machine-made")
    sources: dict[str, Lineage] = Field(default_factory=dict, description="what is known of single sources, by name")
    licenses: dict[str, Verdict] = Field(
        default_factory=dict, description="rights under a licence, by its name in the licence column, in any case"
    )
    reliability: dict[Family, Fraction] = Field(
        default_factory=dict,
        description="factor of a family's evidence, 1 where not named; below one half it settles nothing by itself",
    )
    prior: Prior = Field(Prior(), description="machine text to expect, by date and source; moves p_synthetic, no zone")
    trust_list: Literal["c2pa"] | None = Field(
        "c2pa", description="c2pa: trust the signers on the C2PA trust list that is shipped; null: none of them"
    )
    trust_anchors: str | None = Field(
        None, description="PEM file of more certificates trusted to sign content credentials"
    )
    revocation_lists: tuple[str, ...] = Field(
        (), description="files of certificate revocation lists (CRL); what revoked signers signed is invalid"
    )
    isolate: bool = Field(
        False, description="run the C2PA library in a process of its own, so that its crash or hang costs one record"
    )
    max_media_bytes: int = Field(1 << 29, ge=1, description="largest media file that is read; a larger one is an error")
    drop_rights: tuple[Literal["deny", "constrained", "unknown"], ...] = Field(
        ("deny", "constrained"), description="rights verdicts whose documents are dropped (stage rights)"
    )

    def family_reliability(self, family: str) -> float:
        """The factor of a family's evidence, within [0, 1]."""
        return {str(name): factor for name, factor in self.reliability.items()}.get(family, 1.0)


ACTIONS = ("keep", "weight", "hold", "drop")
"""What may become of a suspect, by severity."""


class ZoneRule(Section):
    """What becomes of suspects of one source; null: what becomes of them everywhere."""

    suspect: Literal["keep", "weight", "hold"] | None = Field(None, description="as synthetic.suspect_action")
    condemned: Literal["keep", "weight", "hold", "drop"] | None = Field(
        None, description="as synthetic.condemned_action"
    )


class GreenListWatermark(Section):
    """A green-list watermark (Kirchenbauer et al.), with curate's own portable hash."""

    kind: Literal["green-list"]
    name: str = Field(pattern=NAME, description="what results are called")
    tokenizer: str = Field(description="tokenizer.json of the generator")
    keys: str = Field(description="file with the key, a whole number; it is read where needed and kept nowhere")
    gamma: OpenFraction = Field(0.25, description="green share of the vocabulary")
    context: int = Field(
        4, ge=0, le=16, description="tokens before each that the green list depends on; 0: the same list everywhere"
    )


class SynthIDWatermark(Section):
    """A SynthID-Text watermark."""

    kind: Literal["synthid"]
    name: str = Field(pattern=NAME, description="what results are called")
    tokenizer: str = Field(description="tokenizer.json of the generator")
    keys: str = Field(description="file with the keys, one for each round of the tournament; kept nowhere")
    context: int = Field(4, ge=1, le=16, description="tokens before each that its g-values depend on (ngram_len - 1)")
    hashing: Literal["google", "transformers"] = Field(
        "google", description="google: of google-deepmind/synthid-text; transformers: of Hugging Face, made on a CPU"
    )
    score: Literal["weighted-mean", "mean"] = Field("weighted-mean", description="what is made of the g-values")


Watermark = Annotated[GreenListWatermark | SynthIDWatermark, Field(discriminator="kind")]


class Synthetic(Section):
    """The detector of machine text, its calibration and what its zones do."""

    enabled: bool = Field(True, description="score documents and act on calibrated thresholds")
    model: str | None = Field(
        None, description="path of a detector made by `curate detector train`; null: the shipped one"
    )
    human_reference: str | None = Field(
        None,
        description="Parquet or JSON lines (file, glob or directory) of human documents from outside the corpus that "
        "calibrate the detector together with its own trusted ones; they are not in the output. Or the output of an "
        "earlier run: the trusted documents that it remembers calibrate, and count for the mixture",
    )
    handler: str | None = Field(
        None,
        description="module:function of your own that returns a curate.transforms.TextDetector, a model "
        "behind a Beam ModelHandler, to score with instead",
    )
    alpha_suspect: OpenFraction = Field(0.05, description="share of human documents accepted to be suspected (held)")
    alpha_drop: OpenFraction = Field(0.01, description="share of human documents accepted to be dropped")
    min_tokens: int = Field(50, ge=1, description="shorter documents are not scored")
    min_group: int = Field(200, ge=1, description="calibration documents below which a group or language is protected")
    suspect_weight: Annotated[float, Field(ge=0.001, le=1.0)] = Field(
        0.25, description="least weight of a suspect that is kept"
    )
    watermarks: tuple[Watermark, ...] = Field(
        (),
        description="watermarks to test for: {kind: green-list, name, tokenizer, keys, gamma, context} or {kind: "
        "synthid, name, tokenizer, keys, context, hashing, score}; tokenizer and keys are paths of files",
    )
    watermark_q: Annotated[float, Field(gt=0.0, le=0.5)] = Field(
        0.01, description="largest expected share of false discoveries among the documents found watermarked"
    )
    suspect_action: Literal["keep", "weight", "hold"] = Field(
        "hold",
        description="what becomes of a suspect: keep it as it is, keep it at the weight of its probability to be "
        "human, or hold it for review; in rare clusters and small languages nothing beyond weight",
    )
    condemned_action: Literal["keep", "weight", "hold", "drop"] = Field(
        "drop", description="what becomes of one above the threshold of alpha_drop as well"
    )
    sources: dict[str, ZoneRule] = Field(
        {}, description="source → {suspect, condemned}: what becomes of suspects there, if not as everywhere"
    )

    def actions(self, source: str | None) -> tuple[str, str]:
        """What becomes of a suspect of a source, and of one above the threshold to drop."""
        rule = ZoneRule() if source is None else self.sources.get(source, ZoneRule())
        return rule.suspect or self.suspect_action, rule.condemned or self.condemned_action


class Quality(Section):
    """Signals of quality, and the gate that they make for boosts and synthetic fill."""

    enabled: bool = Field(True, description="compute signals of quality, if the mixture is on or rules drop documents")
    alpha: OpenFraction = Field(0.02, description="share of the human documents of a language that fail the gate")
    min_group: int = Field(
        200, ge=100, description="trusted human documents below which a language is judged with all others together"
    )
    drop: tuple[str, ...] = Field(
        (),
        description="rules whose breach drops a document (stage mixture, reason quality): names of signals, beyond "
        "what one human document in 200 has, or `gate`; check the removal rates of small languages in the report",
    )
    model: str | None = Field(None, description="path of a fastText model of quality, whose verdict is one more signal")
    label: str = Field("hq", description="label of that model whose probability counts")
    threshold: Fraction | None = Field(
        None, description="probability below which a document fails the gate in any language; null: by people alone"
    )

    @pydantic.field_validator("drop")
    @classmethod
    def _known(cls, drop: tuple[str, ...]) -> tuple[str, ...]:
        for name in drop:
            if name not in (*RULES, GATE):
                near = difflib.get_close_matches(name, (*RULES, GATE), 1, 0.0)[0]
                raise ValueError(f"{name!r} is no rule of quality; did you mean {near!r}?")
        return drop


GIVEN_CLUSTERS = ("group_column", "embedding_column", "embedding_handler", "embedding_model")
"""Settings of the mixture that say where clusters come from, if not from an embedding of curate's own."""


class Mixture(Section):
    """Clusters, their reference shares, and the weights that hold the built corpus to them."""

    enabled: bool = Field(True, description="fit clusters and reweight documents")
    group_column: str | None = Field(
        None,
        description="column whose values are the clusters (a domain, language or topic); null: clusters are fitted to "
        "an embedding",
    )
    embedding_column: str | None = Field(
        None,
        description="column of embeddings, lists of mixture.dimensions numbers, to cluster; null: an embedding is "
        "fitted on the corpus",
    )
    embedding_handler: str | None = Field(
        None,
        description="module:function of your own that returns a curate.transforms.TextEmbedder, a model behind a Beam "
        "ModelHandler, whose vectors of mixture.dimensions numbers are clustered instead",
    )
    embedding_model: str | None = Field(
        None,
        description="model2vec:DIRECTORY or sentence-transformers:DIRECTORY, a model on disk whose vectors are "
        "clustered instead; needs the extra `static` or `sentence-transformers`",
    )
    dimensions: int = Field(
        64, ge=8, le=4096, description="dimensions of the corpus-fitted embedding (64 to 256), or of those given"
    )
    sample: int = Field(
        20_000, ge=100, description="documents, chosen by hash, that embedding and clusters are fitted on"
    )
    clusters: int = Field(
        0, ge=0, description="number of clusters; 0: the square root of half the documents, at most 2,000"
    )
    alpha: Annotated[float, Field(gt=0.0, le=1.0)] = Field(
        0.85, description="targets are proportional to reference shares to this power; below 1 lifts the tail"
    )
    max_head_loss: Fraction = Field(0.20, description="most of its reference share that a non-tail cluster may lose")
    tail_mass: OpenFraction = Field(
        0.25, description="the smallest clusters that together hold this share are the tail"
    )
    synthetic_cap: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(
        0.30, description="most of the tokens, overall and per cluster, that declared synthetic documents may fill"
    )
    cluster_caps: dict[str, Annotated[float, Field(ge=0.0, lt=1.0)]] = Field(
        default_factory=dict,
        description="the same of single clusters, by value of mixture.group_column; or by number in the report, for "
        "decisions from the same annotations or artefacts",
    )
    mixed_cap: Fraction = Field(
        0.10, description="most of the accepted tokens that documents of mixed origin may be; all weigh less above it"
    )
    token_budget: int = Field(0, ge=0, description="tokens to build; 0: no budget, every accepted document is kept")
    max_copies: int = Field(4, ge=1, description="most copies of one document")
    growth: Annotated[float, Field(ge=1.0)] = Field(1.5, description="most growth of the real tokens without a budget")
    min_reference: int = Field(
        200, ge=1, description="trusted human documents below which nothing is boosted or filled"
    )
    verifier: str | None = Field(
        None,
        description="module:function of your own that returns a curate.transforms.TextVerifier, a model behind a Beam "
        "ModelHandler, asked which declared synthetic documents may fill; null: all that pass the gate of quality may",
    )
    verifier_threshold: Fraction = Field(0.5, description="probability from which a verifier's answer is a yes")
    min_cluster_docs: int = Field(5, ge=1, description="distinct documents a cluster needs before it is boosted")
    min_cluster_sources: int = Field(3, ge=1, description="distinct sources a cluster needs before it is boosted")

    @pydantic.field_validator("cluster_caps", mode="before")
    @classmethod
    def _numbers_as_names(cls, caps: Any) -> Any:
        return {str(name): cap for name, cap in caps.items()} if isinstance(caps, dict) else caps

    def fits_embedding(self) -> bool:
        """Whether clusters are fitted in an embedding of curate's own."""
        return self.enabled and all(getattr(self, name) is None for name in GIVEN_CLUSTERS)

    def asks_verifier(self) -> bool:
        """Whether a model of the user's says which declared synthetic documents may fill."""
        return self.enabled and self.verifier is not None

    def asks_embedder(self) -> bool:
        """Whether clusters are fitted to the vectors of a model of the user's."""
        return self.enabled and (self.embedding_handler is not None or self.embedding_model is not None)


class Review(Section):
    """The answers of reviewers."""

    enabled: bool = Field(True, description="decide with the answers that are kept with the annotations")


class Dataset(Section):
    """What croissant.json says of the built data set beyond what the run knows."""

    name: str = Field("curated-corpus", min_length=1, description="name of the data set")
    url: str | None = Field(None, description="URL of its page")
    license: str | None = Field(None, description="URL of its licence, for example https://spdx.org/licenses/CC-BY-4.0")
    creator: str | None = Field(None, description="name of the organisation that made it")
    cite_as: str | None = Field(None, description="how to cite it, preferably in BibTeX")


class Report(Section):
    """The report of a run."""

    enabled: bool = Field(True, description="write report.html (report.json is always written)")
    examples: int = Field(
        5,
        ge=0,
        le=100,
        description="example ids listed per reason and per rare cluster; 0: no passage of a text is shown either",
    )
    dataset: Dataset = Field(Dataset(), description="what croissant.json says of the built data set")


class OpenLineage(Section):
    """Events of the run for OpenLineage, in a file; needs the extra `openlineage`."""

    path: str | None = Field(None, description="file that the events are appended to as JSON lines; null: none are")
    namespace: str = Field("curate", min_length=1, description="namespace of the job")
    job: str = Field("curate", min_length=1, description="name of the job")


class Run(Section):
    """Everything about the run that is not a decision about documents."""

    seed: int = Field(1, ge=0, lt=2**32, description="seed of every hash that samples, orders or splits")
    max_error_rate: Fraction = Field(0.5, description="undecodable share of the records above which the run fails")
    block_rows: int = Field(20_000, ge=1, description="most rows in one block; larger row groups are cut")
    block_bytes: int = Field(16 * 2**20, ge=2**16, description="most bytes in one block; larger row groups are cut")
    memory_gb: float | None = Field(
        None, gt=0, description="GB of memory that a local run may take; null for what the machine has available"
    )
    split: bool = Field(False, description="add curate_split (train or validation, by duplicate group)")
    validation_share: Fraction = Field(0.01, description="share of the documents in the validation split")
    write_dropped: bool = Field(
        False, description="write dropped documents too, to artefacts/dropped/: `curate explain` then needs no input"
    )
    loss_weight: bool = Field(False, description="add curate_loss_weight, the advisory weight of synthetic documents")
    openlineage: OpenLineage = Field(OpenLineage(), description="events of the run for OpenLineage")


class Config(Section):
    """All settings of curate."""

    documents: Documents = Field(Documents())
    dedupe: Dedupe = Field(Dedupe())
    provenance: Provenance = Field(Provenance())
    synthetic: Synthetic = Field(Synthetic())
    quality: Quality = Field(Quality())
    mixture: Mixture = Field(Mixture())
    review: Review = Field(Review())
    report: Report = Field(Report())
    run: Run = Field(Run())

    def cutoff_us(self, source: str | None = None) -> int:
        """Start of the cut-off day in microseconds since the Unix epoch, UTC: a source's own, or that of all others."""
        rule = self.provenance.sources.get(source) if source is not None else None
        day = (rule and rule.capture_cutoff) or self.provenance.capture_cutoff
        return int(datetime(day.year, day.month, day.day, tzinfo=timezone.utc).timestamp()) * 1_000_000

    def judges_quality(self) -> bool:
        """Whether anything asks for signals of quality."""
        return self.quality.enabled and (self.mixture.enabled or bool(self.quality.drop))

    def removes_lines(self) -> bool:
        """Whether repeated lines are removed: a step of dedupe, off when that is."""
        return self.dedupe.enabled and self.dedupe.lines.enabled

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain JSON types, for the manifest and for workers."""
        return self.model_dump(mode="json")


def load_config(path: str | None = None, settings: Sequence[str] = (), base: Mapping[str, Any] | None = None) -> Config:
    """Reads a YAML file and `section.key=value` settings, which win over the file.

    Args:
        path: of the file.
        settings: as on the command line.
        base: nested settings that hold where neither says otherwise, such as those of an earlier run.

    Raises:
        UsageError: the file is missing or no mapping, a key is unknown, or a value is out of range.
    """
    values: dict[str, Any] = copy.deepcopy(dict(base or {}))
    if path is not None:
        _merge(values, _read_yaml(path))
    for setting in settings:
        _apply_setting(values, setting)
    return make_config(values)


def make_config(values: Mapping[str, Any]) -> Config:
    """Validates nested settings.

    Raises:
        UsageError: names the offending key, its value, what was expected, and the nearest valid key.
    """
    try:
        config = Config.model_validate(dict(values))
    except pydantic.ValidationError as error:
        raise UsageError(_explain(error)) from None
    roles: dict[str, str] = {}
    for role, name in config.documents.columns:
        if name in roles:
            raise UsageError(
                f"documents.columns.{role} is {name!r}, which is documents.columns.{roles[name]} too; name two columns"
            )
        roles[name] = role
    _check_dedupe(config.dedupe)
    _check_provenance(config.provenance)
    _check_synthetic(config.synthetic)
    _check_mixture(config.mixture)
    return config


def _check_dedupe(settings: Dedupe) -> None:
    if (settings.bands == 0) != (settings.rows == 0):
        raise UsageError(f"dedupe.bands is {settings.bands} and dedupe.rows is {settings.rows}; set both, or neither")
    if settings.bands * settings.rows > settings.permutations:
        raise UsageError(
            f"dedupe.bands × dedupe.rows is {settings.bands * settings.rows}, expected at most "
            f"dedupe.permutations ({settings.permutations}); lower them or raise the permutations"
        )
    for source, rule in settings.sources.items():
        for name in ("threshold", "containment"):
            value, general = getattr(rule, name), getattr(settings, name)
            if value is not None and value < general:
                raise UsageError(
                    f"dedupe.sources.{source}.{name} is {value}, expected at least dedupe.{name} ({general}), at which "
                    "pairs are verified; raise it, or lower that and give the other sources rules"
                )


def _check_provenance(settings: Provenance) -> None:
    said = {source: {str(rule.origin)} for source, rule in settings.sources.items() if rule.origin is not None}
    for origin, sources in (("human", settings.human_sources), ("synthetic", settings.synthetic_sources)):
        for source in sources:
            said.setdefault(source, set()).add(origin)
    for source, origins in said.items():
        if len(origins) > 1:
            raise UsageError(
                f"the source {source!r} is said to be {' and '.join(sorted(origins))} by "
                "provenance.human_sources, provenance.synthetic_sources and provenance.sources; say it once"
            )


def _check_synthetic(settings: Synthetic) -> None:
    if settings.alpha_drop > settings.alpha_suspect:
        raise UsageError(
            f"synthetic.alpha_drop is {settings.alpha_drop}, expected at most synthetic.alpha_suspect "
            f"({settings.alpha_suspect}); lower one or raise the other"
        )
    if settings.handler is not None and settings.model is not None:
        raise UsageError(
            f"synthetic.handler is {settings.handler!r} and synthetic.model is {settings.model!r}; set one of them"
        )
    names = [watermark.name for watermark in settings.watermarks]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"synthetic.watermarks has {names.count(name)} named {name!r}; give each another name")
    for source in (None, *settings.sources):
        suspect, condemned = settings.actions(source)
        if ACTIONS.index(condemned) < ACTIONS.index(suspect):
            place = "" if source is None else f" of synthetic.sources.{source}"
            raise UsageError(
                f"the condemned action{place} is {condemned!r}, milder than the suspect action {suspect!r}; condemned "
                f"documents are suspects with higher scores: give both, in the order {', '.join(ACTIONS)}"
            )


def _check_mixture(settings: Mixture) -> None:
    given = [name for name in GIVEN_CLUSTERS if getattr(settings, name) is not None]
    if len(given) > 1:
        told = " and ".join(f"mixture.{name} is {getattr(settings, name)!r}" for name in given)
        raise UsageError(f"{told}; clusters come from one of them: set that alone")
    names = [name for name in settings.cluster_caps if not name.isdecimal()]
    if names and settings.group_column is None:
        raise UsageError(
            f"mixture.cluster_caps names {names[0]!r}, expected numbers of clusters as in the report; name a column "
            "with mixture.group_column, or give numbers"
        )


def describe(model: type[Section] = Config, prefix: str = "") -> Iterator[tuple[str, Any, str]]:
    """Yields (dotted key, default, meaning) for every setting, in the order of the model."""
    for name, field in model.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if isinstance(default, Section):
            yield from describe(type(default), f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", default, field.description or ""


def _read_yaml(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            values = load_yaml(file.read())
    except OSError as error:
        raise UsageError(f"config file {path!r}: {error.strerror}; give the path of a readable YAML file") from None
    except ValueError as error:  # also for bytes that are no UTF-8, and for 2022-13-45
        reason = " ".join(str(error).split())
        raise UsageError(f"config file {path!r} is not valid YAML: {_short(reason)}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise UsageError(f"config file {path!r} holds a {type(values).__name__}, expected sections such as 'dedupe:'")
    return {name: section for name, section in values.items() if section is not None}


def _merge(values: dict[str, Any], over: Mapping[str, Any]) -> None:
    """Puts settings over others, section by section."""
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(values.get(key), dict):
            _merge(values[key], value)
        else:
            values[key] = value


def _apply_setting(values: dict[str, Any], setting: str) -> None:
    key, separator, text = setting.partition("=")
    path = key.strip().split(".")
    if not separator or len(path) < 2:
        raise UsageError(f"--set {setting!r}, expected section.key=value, for example dedupe.threshold=0.85")
    try:
        value = load_yaml(text)
    except ValueError:
        value = text
    section = values
    for name in path[:-1]:
        section = section.setdefault(name, {})
        if not isinstance(section, dict):
            raise UsageError(f"--set {setting!r}: {name!r} is not a section; `curate config` lists every setting")
    section[path[-1]] = value


def _explain(error: pydantic.ValidationError) -> str:
    first = error.errors()[0]
    path = [str(part) for part in first["loc"]]
    key = _short(".".join(path))
    if first["type"] == "extra_forbidden":
        known = [name for name, _, _ in describe()] + list(Config.model_fields)
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.0) or known[:1]
        return f"unknown setting {key!r}; the nearest valid one is {near[0]!r} (`curate config` lists all)"
    value = first["input"]
    expected = first["msg"][:1].lower() + first["msg"][1:]
    # Whoever writes keys in place of the path of their file must not find them in a log.
    if "watermarks" in path and (path[-1] in ("watermarks", "keys") or isinstance(value, list | dict)):
        return f"{key}: {expected}; `curate config` shows its meaning and default"
    shown = "NaN" if isinstance(value, float) and math.isnan(value) else repr(value)
    return f"{key} is {_short(shown)}: {expected}; `curate config` shows its meaning and default"


def _short(text: str) -> str:
    """As much of what somebody wrote as a message of one line has room for."""
    return text if len(text) <= _MOST_TOLD else f"{text[:_MOST_TOLD]}…"
