"""Times of any kind as microseconds UTC, the same on every version of Python."""

import re
from datetime import datetime, timedelta, timezone

import pyarrow as pa
import pyarrow.compute as pc

from curate.io.schemas import is_string
from curate.schema import TIMESTAMP

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_TICKS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_YEARS = (-62_135_596_800, 253_402_300_800)
"""Start of the year 1 and end of the year 9999, in seconds since the epoch."""

_CDX = re.compile(r"\s*(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)\s*", re.ASCII)
"""The 14 digits of web archive indexes."""

# What `datetime.fromisoformat` takes differs from version to version of Python.
_ISO_8601 = re.compile(
    r"\s*(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(?:[.,](\d+))?)?\s*(Z|UTC|([+-]\d\d):?(\d\d)?)?\s*",
    re.ASCII | re.IGNORECASE,
)


def to_timestamp(values: pa.Array) -> pa.Array:
    """Times as microseconds UTC: timestamps of any unit and zone (none: UTC), dates, and strings.

    Strings are in ISO 8601, as WARC-Date is, or the 14 digits of web archive indexes, which may be numbers too.
    Null for everything else, and for times outside the years 1 to 9999, which are mistakes and would wrap around.
    """
    kind = values.type
    if pa.types.is_integer(kind):  # no count of seconds since 1970, or of parts of them, has 14 digits in our times
        values, kind = values.cast(pa.string()), pa.string()
    if is_string(kind):
        values = pa.array(map(_parse_time, values.to_pylist()), pa.int64()).cast(pa.timestamp("us"))
    elif pa.types.is_date(kind):
        values = values.cast(pa.timestamp("s" if pa.types.is_date32(kind) else "ms"))
    elif not pa.types.is_timestamp(kind):
        return pa.nulls(len(values), TIMESTAMP)
    ticks = values.cast(pa.int64())
    per_second = _TICKS[values.type.unit]
    least, most = (_clipped(seconds * per_second) for seconds in _YEARS)
    sound = pc.and_(pc.greater_equal(ticks, least), pc.less(ticks, most))
    return pc.cast(pc.if_else(sound, values, None), TIMESTAMP, safe=False)


def _parse_time(value: str | None) -> int | None:
    """Microseconds since the epoch of a date or time, in UTC where it names no zone; None if it is none."""
    archived = _CDX.fullmatch(value) if value else None
    if archived:
        value = "{}-{}-{}T{}:{}:{}Z".format(*archived.groups())
    found = _ISO_8601.fullmatch(value) if value else None
    if not found:
        return None
    day, minute, second, fraction, _, hours, minutes = found.groups()
    zone = f"{hours}:{minutes or '00'}" if hours else "+00:00"
    text = f"{day}T{minute or '00:00'}{second or ':00'}.{(fraction or '')[:6]:0<6}{zone}"
    try:
        return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)
    except ValueError:
        return None


def _clipped(ticks: int) -> int:
    return max(-(2**63) + 1, min(ticks, 2**63 - 1))
