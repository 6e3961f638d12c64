"""croissant.json: the built data set in the Croissant format of MLCommons, versions 1.1 and RAI 1.0.

Specifications: http://mlcommons.org/croissant/1.1 and http://mlcommons.org/croissant/RAI/1.0.
"""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from curate.report.manifest import JsonDict
from curate.report.words import percent

FILE_SET = "data-files"
RECORDS = "documents"
MEDIA_TYPE = "application/x-parquet"  # what readers of Croissant look for

DESCRIPTIONS = {
    "curate_id": "Id of the document, unique in the data set.",
    "curate_weight": "Sampling weight that holds the clusters to their reference shares.",
    "curate_copies": "How often to repeat the document; may be 0 where the weight is below 1.",
    "curate_origin": "Verdict on the origin: human, mixed, synthetic, procedural or unknown.",
    "curate_p_synthetic": "Estimated probability that the text was written by a machine.",
    "curate_cluster": "Topic cluster of the document.",
    "curate_split": "train or validation; copies of a text share a split.",
    "curate_loss_weight": "Advisory loss weight of synthetic documents.",
}

CONTEXT: JsonDict = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{
        term: f"cr:{term}"
        for term in (
            "annotation",
            "arrayShape",
            "citeAs",
            "column",
            "containedIn",
            "equivalentProperty",
            "excludes",
            "extract",
            "field",
            "fileObject",
            "fileProperty",
            "fileSet",
            "format",
            "includes",
            "isArray",
            "isLiveDataset",
            "jsonPath",
            "key",
            "md5",
            "parentField",
            "path",
            "readLines",
            "recordSet",
            "references",
            "regex",
            "repeated",
            "replace",
            "samplingRate",
            "sdVersion",
            "separator",
            "source",
            "subField",
            "transform",
            "unArchive",
            "value",
        )
    },
}


def croissant(
    schema: pa.Schema,
    manifest: JsonDict,
    *,
    name: str = "curated-corpus",
    url: str | None = None,
    license: str | None = None,
    creator: str | None = None,
) -> JsonDict:
    """Describes the files in `data/` and their columns.

    Args:
        schema: of the files in `data/`.
        manifest: as `curate.report.manifest.build_manifest` made it; its digests give names, sizes and checksums.
        name: of the data set.
        url: of its page. What nobody has said is left out rather than invented, though Croissant asks for it.
        license: URL of its licence.
        creator: name of the organisation that made it.
    """
    files = {path: info for path, info in manifest["digests"].items() if path.startswith("data/")}
    counts = manifest["counts"]
    description = (
        f"Training corpus curated by curate {manifest['versions'].get('curate', '')}".rstrip()
        + f": {counts['kept']:,} of {counts['read']:,} documents kept."
    )
    declared = {"url": url, "license": license, "creator": creator and {"@type": "sc:Organization", "name": creator}}
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": name,
        "description": description,
        "conformsTo": ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
        **{key: value for key, value in declared.items() if value},
        "datePublished": manifest["finished"],
        "version": "1.0.0",
        "isLiveDataset": False,
        "prov:wasGeneratedBy": {
            "@type": "prov:Activity",
            "prov:label": "curate run",
            "prov:startedAtTime": manifest["started"],
            "prov:endedAtTime": manifest["finished"],
        },
        **_responsible_ai(manifest),
        "distribution": [*_file_objects(files), _file_set()],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": RECORDS,
                "name": RECORDS,
                "description": "One record per kept document.",
                "key": {"@id": f"{RECORDS}/curate_id"},
                "field": [_field(field, RECORDS) for field in schema],
            }
        ],
    }


def _responsible_ai(manifest: JsonDict) -> JsonDict:
    counts, config = manifest["counts"], manifest["config"]
    read = max(counts["read"], 1)
    dropped = ", ".join(f"{reason} {number:,}" for reason, number in manifest["reasons"].items()) or "nothing"
    return {
        "rai:dataPreprocessingProtocol": [
            "Near duplicates are proposed by MinHash and dropped only after exact comparison with a kept document.",
            "Suspected machine text is dropped or held by thresholds calibrated on human text of the same group.",
            "Clusters are weighted towards their share in trusted human text.",
            f"Dropped and held by stage and reason: {dropped}.",
        ],
        "rai:dataLimitations": [
            "Detection of machine text is statistical: report.html gives the estimated share that remains, with n.",
            f"{percent(counts['held'] / read)} of the documents wait for review and are not part of the data.",
        ],
        "rai:dataCollectionMissingData": (
            f"{counts['errors']:,} records could not be decoded and {counts['files_failed']:,} files not be opened."
        ),
        "rai:machineAnnotationTools": [f"{name} {version}" for name, version in manifest["versions"].items()],
        "rai:dataReleaseMaintenancePlan": (
            f"report.html and report.json tell what the run did, ledger/ why, manifest.json with which settings "
            f"(run.seed {config.get('run', {}).get('seed')})."
        ),
    }


def _file_objects(files: Mapping[str, JsonDict]) -> list[JsonDict]:
    return [
        {
            "@type": "cr:FileObject",
            "@id": path,
            "name": path,
            "contentUrl": path,
            "contentSize": f"{info['bytes']} B",
            "encodingFormat": MEDIA_TYPE,
            "sha256": info["sha256"],
        }
        for path, info in sorted(files.items())
    ]


def _file_set() -> JsonDict:
    return {
        "@type": "cr:FileSet",
        "@id": FILE_SET,
        "name": FILE_SET,
        "description": "The Parquet files of the kept documents.",
        "encodingFormat": MEDIA_TYPE,
        "includes": "data/*.parquet",
    }


def _field(field: pa.Field, parent: str, path: tuple[str, ...] = ()) -> JsonDict:
    """A column, or the member at `path` of a struct column: members are sub-fields that read from their column."""
    path = (*path, field.name)
    described = {"description": DESCRIPTIONS[field.name]} if field.name in DESCRIPTIONS else {}
    name = f"{parent}/{field.name}"
    made: JsonDict = {"@type": "cr:Field", "@id": name, "name": name, **described}
    kind, depth = field.type, 0
    while pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        kind, depth = kind.value_type, depth + 1
    if depth:
        made |= {"isArray": True, "arrayShape": ",".join(["-1"] * depth)}
    made["source"] = {"fileSet": {"@id": FILE_SET}, "extract": {"column": path[0]}}
    if len(path) > 1:
        made["source"]["transform"] = {"jsonPath": "$." + ".".join(path[1:])}
    if pa.types.is_struct(kind):
        made["subField"] = [_field(kind.field(i), name, path) for i in range(kind.num_fields)]
    else:
        made["dataType"] = data_type(kind)
    return made


def data_type(kind: pa.DataType) -> Any:
    """The Croissant type of an Arrow type; text where there is no closer one."""
    if pa.types.is_dictionary(kind):
        return data_type(kind.value_type)
    tests = (
        (pa.types.is_boolean, "sc:Boolean"),
        (pa.types.is_integer, "sc:Integer"),
        (pa.types.is_floating, "sc:Float"),
        (pa.types.is_decimal, "sc:Float"),
        (pa.types.is_timestamp, "sc:DateTime"),
        (pa.types.is_date, "sc:Date"),
        (pa.types.is_time, "sc:Time"),
    )
    return next((name for test, name in tests if test(kind)), "sc:Text")
