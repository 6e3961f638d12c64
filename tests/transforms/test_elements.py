import apache_beam as beam
import pytest

from curate.errors import UsageError
from curate.transforms import DropDuplicates, MeasureCorpus
from curate.transforms.elements import as_settings


def test_settings_of_another_language_are_rows_without_what_is_null():
    row = beam.Row(dedupe=beam.Row(prefer=["-crawl"], rounds=None), run=beam.Row(seed=7))
    assert as_settings({"report": {}, "nested": row}) == {
        "report": {},
        "nested": {"dedupe": {"prefer": ["-crawl"]}, "run": {"seed": 7}},
    }
    assert as_settings({"dedupe": {"prefer": None}}) == {"dedupe": {"prefer": None}}


def test_transforms_take_settings_as_rows():
    row = beam.Row(dedupe=beam.Row(rounds=3, prefer=["-crawl"]))
    as_dict = {"dedupe": {"rounds": 3, "prefer": ["-crawl"]}}
    assert DropDuplicates(config=row).display_data() == DropDuplicates(config=as_dict).display_data()
    with pytest.raises(UsageError, match=r"dedupe\.rounds is 'x'"):
        MeasureCorpus(config=beam.Row(dedupe=beam.Row(rounds="x")))
