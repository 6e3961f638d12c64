"""Decisions about documents one by one, where no corpus is at hand: what each says of itself, and given thresholds."""

import numpy as np
import pyarrow as pa

from curate.config import Config
from curate.decisions.documents import prepare_documents
from curate.decisions.groups import decide_group
from curate.decisions.mixing import finish, mix
from curate.decisions.reference import Reference
from curate.hashing import UInt64Array
from curate.schema import PAIRS


def decide_each(features: pa.Table, reference: Reference, config: Config) -> pa.Table:
    """Decides documents, none of which has to do with another: equal ids stay, and copies are not compared.

    Args:
        features: `curate.schema.features`, n rows.
        reference: thresholds.
        config: settings without duplicates and mixture, which are those of a whole corpus.

    Returns:
        `curate.decisions.mixing.FINISHED`, n rows in the same order; each depends on its document and the reference.
    """
    documents = prepare_documents(features, None, config)
    decided = decide_group(documents, PAIRS.empty_table(), reference, config)
    ledger = finish(decided, mix(None, reference, config), config)
    return in_order(ledger, features["id_hash"].to_numpy(), features["row_hash"].to_numpy())


def in_order(ledger: pa.Table, id_hash: UInt64Array, row_hash: UInt64Array) -> pa.Table:
    """The rows of a ledger in the order of the documents that they are about.

    Args:
        ledger: columns id_hash, row_hash and id besides others, n rows.
        id_hash: uint64[n], of the documents.
        row_hash: uint64[n], of the documents. Those that have both hashes in common are equal in every column.
    """
    ledger = ledger.sort_by([(name, "ascending") for name in ("id_hash", "row_hash", "id")])
    place = np.empty(ledger.num_rows, dtype=np.int64)
    place[np.lexsort((row_hash, id_hash))] = np.arange(ledger.num_rows)
    return ledger.take(pa.array(place))
