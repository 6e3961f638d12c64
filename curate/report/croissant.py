"""croissant.json: the built data set in the Croissant format of MLCommons, versions 1.1 and RAI 1.0.

Specifications: http://mlcommons.org/croissant/1.1 and http://mlcommons.org/croissant/RAI/1.0. Its columns are described
by `curate.report.croissant_fields`.
"""

from collections.abc import Mapping

import pyarrow as pa

from curate.config import Dataset
from curate.report.croissant_fields import FILE_SET, RECORDS, field_id, fields
from curate.report.manifest import JsonDict
from curate.report.words import percent

MEDIA_TYPE = "application/x-parquet"  # what readers of Croissant look for

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


def croissant(schema: pa.Schema, manifest: JsonDict, dataset: Dataset) -> JsonDict:
    """Describes the files in `data/`, their columns, and what they were made from.

    Args:
        schema: of the files in `data/`.
        manifest: as `curate.report.manifest.build_manifest` made it; its digests give names, sizes and checksums.
        dataset: what its publisher says of it. What nobody has said is left out rather than invented, though Croissant
            recommends a licence and a citation.
    """
    files = {path: info for path, info in manifest["digests"].items() if path.startswith("data/")}
    counts = manifest["counts"]
    description = (
        f"Training corpus curated by curate {manifest['versions'].get('curate', '')}".rstrip()
        + f": {counts['kept']:,} of {counts['read']:,} documents kept."
    )
    declared = {
        "url": dataset.url,
        "license": dataset.license,
        "creator": dataset.creator and {"@type": "sc:Organization", "name": dataset.creator},
        "citeAs": dataset.cite_as,
    }
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": dataset.name,
        "description": description,
        "conformsTo": ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
        **{key: value for key, value in declared.items() if value},
        "datePublished": manifest["finished"],
        "version": "1.0.0",
        "isLiveDataset": False,
        **_provenance(manifest),
        **_responsible_ai(manifest),
        "distribution": [*_file_objects(files), _file_set()],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": RECORDS,
                "name": RECORDS,
                "description": "One record per kept document.",
                "key": {"@id": field_id(schema, "curate_id")},
                "field": fields(schema),
            }
        ],
    }


def _provenance(manifest: JsonDict) -> JsonDict:
    """What the data were made from and by what, in the terms of PROV-O (Croissant 1.1, Provenance Representation)."""
    return {
        "prov:wasDerivedFrom": [
            {"@type": "prov:Entity", "prov:label": name, **_identifier(fingerprint)}
            for name, fingerprint in manifest["fingerprints"].items()
        ],
        "prov:wasGeneratedBy": {
            "@type": "prov:Activity",
            "prov:label": f"curate {manifest['arguments']['command']}",
            "prov:startedAtTime": manifest["started"],
            "prov:endedAtTime": manifest["finished"],
            "prov:wasAssociatedWith": [
                {"@type": "prov:SoftwareAgent", "prov:label": tool} for tool in _tools(manifest)
            ],
        },
    }


def _tools(manifest: JsonDict) -> list[str]:
    """Curate and the models that it used, each with its version."""
    made_by = {"curate": manifest["versions"].get("curate", ""), **manifest["artefacts"]}
    return [f"{name} {version}".strip() for name, version in made_by.items()]


def _identifier(fingerprint: Mapping[str, int | str]) -> JsonDict:
    """The fingerprint of an input as one string: what it holds of size, digest, rows and their sum."""
    told = " ".join(f"{name}={value}" for name, value in fingerprint.items())
    return {"identifier": told} if told else {}


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
        "rai:dataCollectionType": ["Secondary Data Analysis"],
        "rai:dataCollection": f"Selected from {len(manifest['fingerprints']):,} input files.",
        "rai:dataBiases": [_mix(manifest["mix"])],
        "rai:machineAnnotationTools": _tools(manifest),
        "rai:dataReleaseMaintenancePlan": (
            f"report.html and report.json tell what the run did, ledger/ why, manifest.json with which settings "
            f"(run.seed {config.get('run', {}).get('seed')})."
        ),
    }


def _mix(mix: Mapping[str, Mapping[str, int]]) -> str:
    """Counts by origin in words: human: 1,200 documents, 54.3% of the tokens; unknown: …."""
    total = max(sum(part["output_tokens"] for part in mix.values()), 1)
    parts = [
        f"{origin}: {part['documents']:,} documents, {percent(part['output_tokens'] / total)} of the tokens"
        for origin, part in mix.items()
    ]
    return f"Origin as judged: {'; '.join(parts) or 'no documents'}."


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
