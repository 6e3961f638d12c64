"""What the metadata of a whole data set say of its documents: Croissant JSON-LD, and dataset cards of Hugging Face.

The metadata are claims, weak ones where they are cheap: whoever says synthetic says it against their interest, whoever
says human does not. `curate.provenance.dataset_files` parses the files.
"""

import calendar
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from curate import config as settings
from curate.config import Config, Provenance, make_config
from curate.errors import UsageError
from curate.provenance.dataset_files import DESCRIBING, Said, parse_metadata
from curate.provenance.evidence import LINEAGE, Evidence, to_lists
from curate.provenance.rights import CONSTRAINED, UNKNOWN, content_usage, rights_item
from curate.schema import EVIDENCE_LIST

DECLARED_SYNTHETIC = 5.0  # nats (as in `curate.provenance.lineage`)
DECLARED_HUMAN = -0.5
MIXED_SHARE = 0.5  # of the evidence, since it holds for a part of the documents

_SYNTHETIC = re.compile(
    r"(?<![a-z])(?:synthetic(?!\s+aperture)|(?:machine|model|ai|llm)[\s_-]?generated"
    r"|generated\s(?:by|with|using)\s(?:an?\s)?(?:large\s)?(?:language\s)?(?:models?|llms?|ai)\b)"
)
_MODEL = re.compile(
    r"(?<![a-z])(?:llms?\b|(?:language|generative|diffusion|foundation)[\s_-]models?|(?:chat)?gpt(?![a-z])"
    r"|claude|gemini|llama|mi[sx]tral|qwen|deepseek|dall-?e\b|midjourney|stable[\s_-]diffusion)"
)
_DENIED = re.compile(r"\b(?:no|not|non|nor|never|without|free\sof|excluding|removed?)\b\W+(?:\w+\W+){0,2}\Z")
_PARTLY = re.compile(r"\b(?:part(?:ly|ial|ially)?|semi|some|mix(?:ed|ture)?|augment\w*|subset|portion)\b")
_HUMAN_TYPES = {
    "manual human curator",
    "user-generated content data",
    "surveys",
    "self-reporting",
    "focus groups",
    "customer feedback data",
}
_HUMAN_CREATORS = {"found", "crowdsourced", "expert-generated"}
_SYNTHETIC_TAGS = {"distilabel", "datadreamer"}  # what generators of data sets call themselves
_DAY = re.compile(r"(?<!\d)(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?(?!\d)")


def dataset_evidence(said: Said) -> list[Evidence]:
    """The evidence that holds for every document of a data set.

    - `dataset`: its origin, synthetic (+5) or human (-0.5); unknown but half of +5 where it is partly synthetic, since
      that says of no document which part it is of; what it was made from, when it was collected and that labels are by
      machine, without weight.
    - `dataset_license`, whose verdict is for the operator to know, and `dataset_usage` (family rights).

    Args:
        said: from `parse_metadata`.
    """
    claims = list(_claims(said))
    found = {claim for claim, _ in claims}
    evidence = []
    if found:
        mixed = "mixed" in found or len(found) > 1
        claim = "unknown" if mixed else found.pop()
        llr = DECLARED_HUMAN if claim == "human" else DECLARED_SYNTHETIC * (MIXED_SHARE if mixed else 1.0)
        evidence.append(_item(claim, llr, "; ".join(told for _, told in claims)))
    sources = [name for name in said.get("sourcedatasets", []) if name.lower() != "original"]
    sources += said.get("wasderivedfrom", [])
    if sources:
        evidence.append(_item("unknown", 0.0, f"made from {', '.join(sources)}"))
    if "machine-generated" in _lower(said, "annotationscreators"):
        evidence.append(_item("unknown", 0.0, "annotations_creators: machine-generated, which tells of labels only"))
    until = collected_until(said)
    if until:
        evidence.append(_item("unknown", 0.0, f"collected until {until.isoformat()}"))
    return evidence + _rights(said)


def collected_until(said: Said) -> date | None:
    """The last day on which the documents can have been collected, None where nothing is said.

    Of a year or a month it is the last day. Other spellings of dates count by their year.
    """
    days = []
    for field in ("datacollectiontimeframe", "rangeofdatesfordatageneration"):
        for text in said.get(field, []):
            for year, month, day in _DAY.findall(text):
                last = _day(int(year), int(month or 12), int(day or 0))
                days += [last] if last else []
    return max(days, default=None)


def with_said(config: Config, read: Callable[[str], bytes], recorded: Config | None = None) -> Config:
    """The settings with what the metadata say of each source that names some.

    Args:
        config: its rules of sources are read.
        read: gives the content of a file.
        recorded: settings of an earlier run, whose record of the same metadata is as good as the file.

    Raises:
        UsageError: a file cannot be read or parsed.
    """
    before = recorded.provenance.sources if recorded else {}
    values = config.to_dict()
    for source, rule in config.provenance.sources.items():
        if rule.metadata is None or not config.provenance.enabled:
            continue
        if source in before and before[source].metadata == rule.metadata:
            said = [item.model_dump() for item in before[source].said]
        else:
            said = [asdict(item) for item in dataset_evidence(_read(source, rule.metadata, read))]
        values["provenance"]["sources"][source]["said"] = said
    return make_config(values)


def _read(source: str, path: str, read: Callable[[str], bytes]) -> Said:
    try:
        content = read(path)
    except OSError as error:
        reason = error.strerror or " ".join(str(error).split())
        raise UsageError(
            f"provenance.sources.{source}.metadata is {path!r}, which cannot be read ({reason}); "
            "name a Croissant file or a dataset card"
        ) from None
    return parse_metadata(content, path)


def source_evidence(source: pa.Array, rules: Provenance) -> pa.ListArray:
    """What metadata say of each document's source, EVIDENCE_LIST[n]; null for sources without any.

    Args:
        source: string[n].
        rules: settings; licences that the metadata name are looked up in its `licenses`.
    """
    terms = {name.strip().lower(): str(verdict) for name, verdict in rules.licenses.items()}
    said = {name: [_looked_up(item, terms) for item in rule.said] for name, rule in rules.sources.items() if rule.said}
    if not said:
        return pa.nulls(len(source), EVIDENCE_LIST)
    place = pc.index_in(source, value_set=pa.array(list(said), pa.string()), skip_nulls=True)
    return to_lists(list(said.values())).take(place)


def _looked_up(item: settings.Said, terms: Mapping[str, str]) -> Evidence:
    evidence = Evidence(**item.model_dump())
    if item.kind != "dataset_license":
        return evidence
    return replace(evidence, claim=terms.get(item.detail.strip().lower(), UNKNOWN))


def _claims(said: Said) -> Iterator[tuple[str, str]]:
    """(claim, where it was found), in the order of fields."""
    for field in ("tags", "keywords"):
        for tag in said.get(field, []):
            claim = "synthetic" if tag.lower() in _SYNTHETIC_TAGS else _synthetic(tag)
            if claim:
                yield claim, f"{field}: {tag}"
    creators = _lower(said, "languagecreators")
    for creator in creators:
        if creator == "machine-generated":
            yield "synthetic", "language_creators: machine-generated"
        elif creator in _HUMAN_CREATORS:
            yield "human", f"language_creators: {creator}"
    for field in (*DESCRIBING, "method"):
        for text in said.get(field, []):
            made = field in ("wasgeneratedby", "wasattributedto") and _affirmed(_MODEL, text.lower())
            claim = "synthetic" if made else _synthetic(text)
            if claim:
                yield claim, f"{field}: {text}"
            elif field == "datacollectiontype" and text.strip().lower() in _HUMAN_TYPES:
                yield "human", f"{field}: {text}"


def _synthetic(text: str) -> str | None:
    """Synthetic or mixed, where a text says so and does not deny it."""
    lower = text.lower()
    if not _affirmed(_SYNTHETIC, lower):
        return None
    return "mixed" if _PARTLY.search(lower) else "synthetic"


def _affirmed(pattern: re.Pattern[str], text: str) -> bool:
    return any(not _DENIED.search(text[max(0, match.start() - 40) : match.start()]) for match in pattern.finditer(text))


def _rights(said: Said) -> list[Evidence]:
    evidence = []
    for name in dict.fromkeys([*said.get("license", []), *said.get("licensename", [])]):
        evidence.append(rights_item("dataset_license", UNKNOWN, name))
    for usage in said.get("usageinfo", []):
        verdict = content_usage(usage)
        if verdict != UNKNOWN:
            evidence.append(rights_item("dataset_usage", verdict, usage))
        elif "duo_" in usage.lower():  # a term of the Data Use Ontology: every one of them is a condition
            evidence.append(rights_item("dataset_usage", CONSTRAINED, usage))
    return evidence


def _item(claim: str, llr: float, detail: str) -> Evidence:
    return Evidence(LINEAGE, "dataset", claim, llr, detail)


def _lower(said: Said, field: str) -> list[str]:
    return [text.strip().lower() for text in said.get(field, [])]


def _day(year: int, month: int, day: int) -> date | None:
    """A day, or the last of the month where the day is 0; None where there is no such day."""
    if not (1900 <= year <= 2100 and 1 <= month <= 12):
        return None
    last = calendar.monthrange(year, month)[1]
    return date(year, month, day or last) if day <= last else None
