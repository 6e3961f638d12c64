"""What can be said of an output or an input without running a job: the plan of a run, and a report drawn again."""

import json
from typing import Sequence

from curate.config import Config
from curate.duplicates.bands import bands_of, collision_probability
from curate.errors import UsageError
from curate.io.earlier import earlier_outputs
from curate.io.human import find_memory, human_reference
from curate.io.sources import find_inputs, one_line, plan
from curate.pipelines.annotations import absolute
from curate.pipelines.artefacts import check_exclude, check_resources
from curate.pipelines.capacity import available, needed
from curate.pipelines.files import BeamFiles, read_finished
from curate.pipelines.runner import beam_options, is_local
from curate.report.render import render
from curate.transforms.configured import configured_models

FILES = BeamFiles()


def describe_plan(inputs: Sequence[str], config: Config, beam: Sequence[str] = (), against: Sequence[str] = ()) -> str:
    """What a run would read, and how it would look for duplicates (`curate run --plan`).

    Raises:
        UsageError: as for the run itself.
        UnreadableInputError: likewise.
    """
    options = beam_options(beam, workers=1)
    check_resources(config)
    configured_models(config)
    exclude = check_exclude(config)
    planned = plan(find_inputs(inputs, FILES), config, FILES)
    earlier = earlier_outputs([absolute(directory) for directory in against], config, FILES)
    memory = find_memory(config, FILES)
    human = None if memory else human_reference(config, FILES)
    bands = bands_of(config)
    documents = planned.rows + sum(each.plan.rows for each in earlier)
    fits = [f"a local run needs about {needed(documents, planned.block_bytes, 1)}; there are {available()}"]
    lines = [
        f"{len(planned.fingerprints)} files, {planned.rows:,} records, {planned.text_bytes / 1e6:,.1f} MB before "
        f"compression, {len(planned.splits)} splits; {len(planned.failed)} files cannot be opened",
        *(fits if is_local(options) else []),
        *(f"compared with {each.plan.rows:,} documents of {each.directory}" for each in earlier),
        *([f"calibrated with {human.rows:,} documents of {config.synthetic.human_reference}"] if human else []),
        *([f"going on from what {config.synthetic.human_reference} remembers"] if memory else []),
        f"near duplicates: {bands.bands} bands of {bands.rows} rows, threshold {config.dedupe.threshold}",
        "similarity  chance of being compared",
    ]
    lines += [
        f"{similarity / 20:10.2f}  {collision_probability(similarity / 20, bands.bands, bands.rows):.4f}"
        for similarity in range(8, 21)
    ]
    lines += [
        f"evaluation texts: {about['items']:,} in {path}, {about['whole']:,} of them compared with whole documents"
        for path, about in exclude.items()
    ]
    return "\n".join(lines)


def redraw_report(directory: str) -> str:
    """Draws report.html from report.json (`curate report`).

    Raises:
        UsageError: there is no report.json.
    """
    path, content = f"{directory.rstrip('/')}/report.json", read_finished(directory, "report.json")
    try:
        page = render(json.loads(content)).encode()
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path!r} is not a report of curate ({one_line(error)}); give the output directory of a finished run"
        ) from None
    target = f"{directory.rstrip('/')}/report.html"
    FILES.write_bytes(target, page)
    return f"report: {target}"
