"""Wiring of repeated lines: documents meet the holders of what they share, and lose what another one keeps."""

from collections.abc import Iterable, Iterator
from typing import Tuple

import apache_beam as beam
import pyarrow as pa

from curate.arrays import lookup
from curate.config import Config
from curate.decisions.groups import DECIDED
from curate.decisions.lines import KEEPERS, holders, homes, remove_lines
from curate.duplicates.lines import UNITS
from curate.duplicates.repeated import HOLDERS, OCCURRENCES, REMOVED, emptied, occurrences, removed_units
from curate.transforms.counters import counter
from curate.transforms.duplicates import Grouped
from curate.transforms.tables import KeyedTable, NamedCollections, concat, split_by

WANTED = pa.schema([("document", pa.uint64()), ("owner", pa.uint64())])


class RemoveLines(beam.PTransform):
    """Removes lines repeated in many documents from all but one of them (`curate.duplicates.repeated`).

    No text is shuffled: 28 bytes per line of any document, and 44 per line that is long enough of those that survive.

    Args:
        config: settings.
        partitions: partitions of the document and line spaces; the result does not depend on it.

    Returns:
        Tables of `curate.decisions.groups.DECIDED`, each sorted by id.
    """

    def __init__(self, config: Config, partitions: int) -> None:
        self._config = config
        self._partitions = partitions

    def expand(self, inputs: NamedCollections) -> beam.PCollection:
        """Applies the transform to {"decided": …, "units": …}, tables of `DECIDED` (closed sets) and of `UNITS`."""
        settings, partitions = self._config.dedupe.lines, self._partitions
        decided = inputs["decided"]
        known = decided | "Holders" >> beam.ParDo(_Holders(self._config, partitions))
        units = inputs["units"] | "ByDocument" >> beam.ParDo(_UnitsByDocument(partitions))
        removed = (
            {"holders": known, "units": units}
            | "JoinHolders" >> beam.CoGroupByKey()
            | "Occurrences" >> beam.ParDo(_Occurrences(settings.min_tokens, partitions))
            | "GroupUnits" >> beam.GroupByKey()
            | "Repeated" >> beam.ParDo(_Repeated(settings.min_documents, partitions))
        )
        wanted = (
            {"holders": known, "removed": removed}
            | "JoinRemoved" >> beam.CoGroupByKey()
            | "Emptied" >> beam.ParDo(_Emptied(partitions))
        )
        keepers = (
            {"holders": known, "wanted": wanted}
            | "JoinOwners" >> beam.CoGroupByKey()
            | "Keepers" >> beam.ParDo(_Keepers(partitions))
        )
        return (
            {"decided": decided | "ByHome" >> beam.ParDo(_ByHome(partitions)), "removed": removed, "keepers": keepers}
            | "JoinDecided" >> beam.CoGroupByKey()
            | "Edit" >> beam.ParDo(_Edit(settings.unit))
        )


class _Holders(beam.DoFn):
    def __init__(self, config: Config, partitions: int) -> None:
        self._config = config
        self._partitions = partitions

    def process(self, decided: pa.Table) -> Iterator[KeyedTable]:
        table = holders(decided, self._config)
        yield from split_by(table, table["document"].to_numpy(), self._partitions)


class _UnitsByDocument(beam.DoFn):
    def __init__(self, partitions: int) -> None:
        self._partitions = partitions

    def process(self, units: pa.Table) -> Iterator[KeyedTable]:
        yield from split_by(units, units["document"].to_numpy(), self._partitions)


class _Occurrences(beam.DoFn):
    def __init__(self, min_tokens: int, partitions: int) -> None:
        self._min_tokens = min_tokens
        self._partitions = partitions

    def process(self, element: Grouped) -> Iterator[KeyedTable]:
        units, known = concat(element[1]["units"], UNITS), concat(element[1]["holders"], HOLDERS)
        table = occurrences(units, known, self._min_tokens)
        yield from split_by(table, table["unit"].to_numpy(), self._partitions)


class _Repeated(beam.DoFn):
    def __init__(self, min_documents: int, partitions: int) -> None:
        self._min_documents = min_documents
        self._partitions = partitions
        self._removed = counter("removed_lines")

    def process(self, element: Tuple[int, Iterable[pa.Table]]) -> Iterator[KeyedTable]:
        table = removed_units(concat(element[1], OCCURRENCES), self._min_documents)
        self._removed.inc(table.num_rows)
        yield from split_by(table, table["document"].to_numpy(), self._partitions)


class _Emptied(beam.DoFn):
    def __init__(self, partitions: int) -> None:
        self._partitions = partitions

    def process(self, element: Grouped) -> Iterator[KeyedTable]:
        removed, known = concat(element[1]["removed"], REMOVED), concat(element[1]["holders"], HOLDERS)
        columns = emptied(removed, known)
        yield from split_by(
            pa.table([pa.array(column) for column in columns], schema=WANTED), columns[1], self._partitions
        )


class _Keepers(beam.DoFn):
    def __init__(self, partitions: int) -> None:
        self._partitions = partitions

    def process(self, element: Grouped) -> Iterator[KeyedTable]:
        wanted = concat(element[1]["wanted"], WANTED)
        known = concat(element[1]["holders"], HOLDERS).sort_by([("document", "ascending"), ("rank", "ascending")])
        place, _ = lookup(known["document"].to_numpy(), wanted["owner"].to_numpy())
        table = pa.table([wanted["document"], known["id"].take(pa.array(place))], schema=KEEPERS)
        yield from split_by(table, table["document"].to_numpy(), self._partitions)


class _ByHome(beam.DoFn):
    def __init__(self, partitions: int) -> None:
        self._partitions = partitions

    def process(self, decided: pa.Table) -> Iterator[KeyedTable]:
        yield from split_by(decided, homes(decided), self._partitions)


class _Edit(beam.DoFn):
    def __init__(self, kind: str) -> None:
        self._kind = kind

    def process(self, element: Grouped) -> Iterator[pa.Table]:
        schemas = {"decided": DECIDED, "removed": REMOVED, "keepers": KEEPERS}
        tables = {name: concat(element[1][name], schema) for name, schema in schemas.items()}
        yield remove_lines(**tables, kind=self._kind)
