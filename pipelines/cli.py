"""The command line. Each command imports what it needs when it runs, so that help is quick."""

import atexit
import gc
import json
import logging
import os
import re
import signal
import sys
from typing import Any, NoReturn, Optional

import click

from curate._version import __version__
from curate.errors import CurateError
from curate.pipelines.capacity import refuse_small_address_space

EPILOG = {
    "run": """
\b
Examples:
  curate run --input corpus.parquet --output curated
  curate run --input 'crawl/*.parquet' --input forum.jsonl.gz --output curated --workers 4
  curate run --input gs://bucket/crawl/ --output gs://bucket/curated --runner DataflowRunner …
  curate run --input corpus.parquet --output curated --set dedupe.threshold=0.9 --overwrite
  curate run --input corpus.parquet --output curated --exclude benchmark.jsonl
  curate run --input new.parquet --against curated --output curated-2
  curate run --input corpus.parquet --output planned --plan
  curate run --input corpus.parquet --output curated --resume
  curate run --input corpus.parquet --human-reference books.jsonl --output curated
""",
    "decide": """
\b
Examples:
  curate decide --annotations curated/annotations --output stricter --set synthetic.alpha_suspect=0.02
  curate decide --annotations curated/annotations --output stricter --set dedupe.threshold=0.9 --apply
""",
    "explain": "\b\nExample:\n  curate explain curated doc-000123",
    "report": """
\b
Examples:
  curate report curated
  curate report generation-1 generation-2
  curate report generation-* --to trend.html
""",
    "provenance": "\b\nExample:\n  curate provenance photo.jpg report.pdf manifest.c2pa",
    "export": """
\b
Examples:
  curate review export curated --to queue.csv
  curate review export curated --to tasks.json --format label-studio
""",
    "import": "\b\nExample:\n  curate review import queue.csv --into curated",
    "serve": "\b\nExample:\n  curate review serve curated",
    "demo": "\b\nExample:\n  curate demo demo",
    "simulate": "\b\nExamples:\n  curate simulate --output collapse --tier ci\n"
    "  curate simulate --output collapse --tier doc --corpus prose.parquet",
    "train": "\b\nExample:\n  curate detector train --input labelled.parquet --dev held-out.parquet --output detector",
    "evaluate": "\b\nExample:\n  curate detector evaluate --input held-out.parquet --model detector",
}

_SHORT_OF_MEMORY = re.compile("MemoryError|failed to map segment|cannot allocate memory|malloc of size", re.IGNORECASE)

INTERRUPTED = "interrupted; nothing was changed in the output directory"

_PASS_ON = {"ignore_unknown_options": True, "allow_extra_args": True}

_settings = [
    click.option("--config", "config_path", metavar="FILE", help="Settings in YAML; see `curate config`."),
    click.option(
        "--set", "settings", multiple=True, metavar="SECTION.KEY=VALUE", help="One setting; wins over --config."
    ),
]
_job = [
    click.option(
        "--workers", type=click.IntRange(1), default=1, show_default=True, help="Worker processes of a local run."
    ),
    click.option(
        "--overwrite", is_flag=True, help="Replace what is in the output directory, once the new is complete."
    ),
    click.option("--debug", is_flag=True, help="Show Python's traceback and the runner's log."),
    click.argument("beam", nargs=-1, type=click.UNPROCESSED, metavar="[BEAM OPTIONS]"),
]


def _with(options: list) -> Any:
    def add(function: Any) -> Any:
        for option in reversed(options):
            function = option(function)
        return function

    return add


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=False)
@click.version_option(__version__, prog_name="curate")
def cli() -> None:
    """Builds training corpora that keep their tails.

    Drops duplicates, filters suspected synthetic text, reads provenance and reweights rare clusters; every
    decision is in a ledger, with its evidence.
    """


@cli.command(context_settings=_PASS_ON, epilog=EPILOG["run"])
@click.option(
    "--input",
    "inputs",
    multiple=True,
    required=True,
    metavar="GLOB",
    help="Parquet, JSON lines or Arrow IPC (what Hugging Face datasets save): file, glob or directory.",
)
@click.option("--output", metavar="DIR", help="New or empty directory; needed but for --plan.")
@_with(_settings)
@click.option("--artefacts", metavar="DIR", help="Artefacts of an earlier run to decide with, instead of new ones.")
@click.option(
    "--exclude",
    multiple=True,
    metavar="FILE",
    help="Evaluation texts, Parquet or JSON lines; documents that contain one are dropped.",
)
@click.option(
    "--against",
    multiple=True,
    metavar="DIR",
    help="Earlier output whose documents the new ones are compared with; it is not changed.",
)
@click.option(
    "--human-reference",
    metavar="PATH",
    help="Human documents from outside the corpus to calibrate with: Parquet or JSON lines, or the output of a run, "
    "whose trusted documents count for the mixture too.",
)
@click.option(
    "--plan",
    "only_plan",
    is_flag=True,
    help="Say what would be read and how; with --output, decide and report too, and say whether the corpus collapses, "
    "but write no document.",
)
@click.option(
    "--resume",
    is_flag=True,
    help="Go on from what an interrupted run of the same command has annotated, if there is any; else start anew. "
    "Inputs and settings must be what they were.",
)
@_with(_job)
def run(
    inputs: tuple[str, ...],
    output: Optional[str],
    config_path: Optional[str],
    settings: tuple[str, ...],
    artefacts: Optional[str],
    exclude: tuple[str, ...],
    against: tuple[str, ...],
    human_reference: Optional[str],
    only_plan: bool,
    resume: bool,
    workers: int,
    overwrite: bool,
    debug: bool,
    beam: tuple[str, ...],
) -> None:
    """Curates a corpus.

    Writes data/ (kept documents with weights), held/ (waiting for review), ledger/ (one row per document), the
    report and all that is needed to decide again. Options that curate does not know go to Beam.
    """
    refuse_small_address_space()
    from curate.config import load_config
    from curate.pipelines.artefacts import with_exclude, with_human_reference

    config = with_human_reference(with_exclude(load_config(config_path, settings), exclude), human_reference)
    if only_plan:
        from curate.pipelines.preview import describe_plan

        click.echo(describe_plan(inputs, config, beam, against))
        if output is None:
            click.echo("with --output DIR a plan also decides, and says whether the corpus is collapsing")
            return
    if output is None:
        raise click.MissingParameter(param_hint="'--output'", param_type="option")
    from curate.pipelines.run import curate_inputs

    result = curate_inputs(
        inputs,
        output,
        config,
        workers,
        beam,
        artefacts,
        overwrite,
        debug,
        config_path,
        against,
        apply=not only_plan,
        resume=resume,
    )
    click.echo(result.text)


@cli.command(context_settings=_PASS_ON, epilog=EPILOG["decide"])
@click.option("--annotations", required=True, metavar="DIR", help="The annotations/ of a finished run.")
@click.option("--output", required=True, metavar="DIR", help="New or empty directory.")
@_with(_settings)
@click.option("--artefacts", metavar="DIR", help="Artefacts of an earlier run to decide with, instead of new ones.")
@click.option("--apply", is_flag=True, help="Read the inputs again and write data/ and held/ too.")
@_with(_job)
def decide(
    annotations: str,
    output: str,
    config_path: Optional[str],
    settings: tuple[str, ...],
    artefacts: Optional[str],
    apply: bool,
    workers: int,
    overwrite: bool,
    debug: bool,
    beam: tuple[str, ...],
) -> None:
    """Decides again from annotations, under other settings, without reading a text.

    Settings that are not given are those of the run that annotated.
    """
    refuse_small_address_space()
    from curate.pipelines.run import decide_again

    result = decide_again(annotations, output, config_path, settings, workers, beam, artefacts, overwrite, apply, debug)
    click.echo(result.text)


@cli.command(epilog=EPILOG["explain"])
@click.argument("directory", metavar="DIR")
@click.argument("id", metavar="ID")
def explain(directory: str, id: str) -> None:
    """Tells the story of one document: evidence, thresholds, match, weight, and what would have changed it."""
    from curate.pipelines.explain import explain_document

    click.echo(explain_document(directory, id).story)


@cli.command(epilog=EPILOG["report"])
@click.argument("directories", nargs=-1, required=True, metavar="DIR [DIR2]...")
@click.option(
    "--to",
    "target",
    metavar="FILE",
    help="Page of the comparison, its numbers beside it as .json; by default comparison.html here.",
)
def report(directories: tuple[str, ...], target: Optional[str]) -> None:
    """Draws report.html anew from report.json; compares two or more outputs, the earliest first.

    A comparison says what has changed by more than chance between the first and the last, and what that rests on. The
    outputs are not changed.
    """
    if len(directories) == 1 and target is None:
        from curate.pipelines.preview import redraw_report

        click.echo(redraw_report(directories[0]))
    else:
        from curate.pipelines.comparison import compare_outputs

        click.echo(compare_outputs(directories, target or "comparison.html"))


@cli.command()
@click.argument("directory", metavar="DIR")
def verify(directory: str) -> None:
    """Checks files, digests, counts and ledger of an output against its manifest, and the inputs that are still there.

    The inputs are read again for it, where all of them are there.
    """
    from curate.pipelines.files import BeamFiles
    from curate.report.verify import check_counts, check_inputs, unchecked

    files = BeamFiles()
    problems = check_counts(directory) + check_inputs(directory, files)
    for problem in problems:
        click.echo(f"{problem.check}: {problem.detail}", err=True)
    if problems:
        sys.exit(1)
    for note in unchecked(directory, files):
        click.echo(note, err=True)
    click.echo(f"{directory}: files, counts and ledger agree with the manifest")


@cli.command()
def config() -> None:
    """Prints every setting with its default and its meaning, as a YAML file to start from."""
    from curate.pipelines.settings import settings_yaml

    click.echo(settings_yaml(), nl=False)


@cli.command(name="yaml-providers")
def yaml_providers() -> None:
    """Prints the path of the file that gives the transforms to Beam YAML; examples/ beside it has pipelines."""
    from importlib.resources import files

    click.echo(files("curate.pipelines") / "yaml" / "providers.yaml")


@cli.command(epilog=EPILOG["provenance"])
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@_with(_settings)
def provenance(files: tuple[str, ...], config_path: Optional[str], settings: tuple[str, ...]) -> None:
    """Prints the content credentials of files, one JSON line each; ARCHIVE!/MEMBER is a file in a zip or tar."""
    from curate.config import load_config
    from curate.pipelines.files import BeamFiles
    from curate.provenance.files import examine

    settings_ = load_config(config_path, settings)
    for file in files:
        click.echo(json.dumps(examine(file, settings_, BeamFiles().open)))


@cli.command(epilog=EPILOG["demo"])
@click.argument("directory", metavar="DIR")
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the corpus.")
@click.option("--overwrite", is_flag=True, help="Replace what is in the directory.")
@click.option("--debug", is_flag=True, help="Show Python's traceback and the runner's log.")
def demo(directory: str, seed: int, overwrite: bool, debug: bool) -> None:
    """Builds a corpus whose truth is known, curates it, and compares.

    Human prose that ships with Python, machine text sampled from a language model fitted on it, edited copies,
    spam, rare languages and signed images: nothing is downloaded.
    """
    refuse_small_address_space()
    from curate.pipelines.demo import run_demo

    click.echo(run_demo(directory, seed, overwrite, debug))


@cli.command(epilog=EPILOG["simulate"])
@click.option("--output", required=True, metavar="DIR", help="New or empty directory.")
@click.option("--tier", type=click.Choice(["ci", "doc"]), default="ci", show_default=True, help="Small, or documented.")
@click.option("--corpus", metavar="FILE", help="Human prose for the tier doc: Parquet with text, and topic or source.")
def simulate(output: str, tier: str, corpus: Optional[str]) -> None:
    """Measures whether curation prevents collapse, over generations of models trained on what models wrote.

    Crawl, curate, train, generate: with and without curation, on the same documents and random numbers. Writes
    report.json, report.html, table.md and the protocol. The tier doc takes half an hour on two cores.

    Exits with 1 where a figure misses its limit; all is written then too.
    """
    refuse_small_address_space()
    from curate.pipelines.simulate import simulate as run_benchmark

    text, missed = run_benchmark(output, tier, corpus)
    click.echo(text)
    if missed:
        _fail(f"missed: {'; '.join(missed)}", 1)


@cli.group()
def detector() -> None:
    """Trains and evaluates detectors of machine text."""


@detector.command(epilog=EPILOG["train"])
@click.option("--input", "inputs", multiple=True, metavar="FILE", help="Parquet with text and label (human, machine).")
@click.option("--human", multiple=True, metavar="FILE", help="Parquet with human texts.")
@click.option("--machine", multiple=True, metavar="FILE", help="Parquet with machine texts.")
@click.option("--dev", multiple=True, metavar="FILE", help="Labelled Parquet that the detector is measured on.")
@click.option("--output", required=True, metavar="DIR", help="New or empty directory.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True, help="Seed of the training.")
@click.option("--notes", metavar="FILE", help="Markdown on the data and its licences, for the model card.")
def train(
    inputs: tuple[str, ...],
    human: tuple[str, ...],
    machine: tuple[str, ...],
    dev: tuple[str, ...],
    output: str,
    seed: int,
    notes: Optional[str],
) -> None:
    """Trains a detector: writes detector.npz, detector.json, metrics.json and MODEL_CARD.md."""
    from curate.pipelines.detector import train_from_files

    click.echo(train_from_files(inputs, human, machine, dev, output, seed, notes))


@detector.command(epilog=EPILOG["evaluate"])
@click.option("--input", "inputs", multiple=True, required=True, metavar="FILE", help="Parquet with text and label.")
@click.option("--model", metavar="DIR", help="What `curate detector train` wrote; the shipped one where not given.")
def evaluate(inputs: tuple[str, ...], model: Optional[str]) -> None:
    """Measures a detector on labelled text: AUROC, true-positive rates, residual share, by group."""
    from curate.pipelines.detector import evaluate_files

    click.echo(evaluate_files(inputs, model))


@cli.group()
def review() -> None:
    """Asks people about held documents, and keeps what they answer for `curate decide`."""


@review.command(name="export", epilog=EPILOG["export"])
@click.argument("directory", metavar="DIR")
@click.option("--to", "target", required=True, metavar="FILE", help="File to write.")
@click.option("--format", type=click.Choice(["csv", "parquet", "label-studio"]), help="By default that of the name.")
@click.option("--limit", type=click.IntRange(1), help="Most documents; of the first ones every cluster has some.")
@click.option("--all", "everything", is_flag=True, help="Those that are answered too.")
def review_export(directory: str, target: str, format: Optional[str], limit: Optional[int], everything: bool) -> None:
    """Writes the held documents of an output with their evidence, rare clusters first, to be answered elsewhere."""
    from curate.pipelines.review import export_queue

    click.echo(export_queue(directory, target, format, limit, everything))


@review.command(name="import", epilog=EPILOG["import"])
@click.argument("file", metavar="FILE")
@click.option("--into", "directory", required=True, metavar="DIR", help="The output whose documents were reviewed.")
@click.option(
    "--reviewer", metavar="NAME", help="Whose answers they are where the file does not say; by default yours."
)
def review_import(file: str, directory: str, reviewer: Optional[str]) -> None:
    """Adds answers to those of an output: CSV, Parquet, JSON of Label Studio, or artefacts/review.jsonl of another."""
    from curate.pipelines.review import import_answers

    click.echo(import_answers(file, directory, reviewer))


@review.command(name="serve", epilog=EPILOG["serve"])
@click.argument("directory", metavar="DIR")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1; by default any free one.")
@click.option("--reviewer", metavar="NAME", help="Whose answers they are; by default yours.")
@click.option("--second-opinion", is_flag=True, help="Ask about documents that others have answered too.")
def review_serve(directory: str, port: int, reviewer: Optional[str], second_opinion: bool) -> None:
    """Shows held documents one by one on a page of this machine, and saves each answer at once."""
    from curate.pipelines.review import serve_queue

    serve_queue(directory, port, reviewer, second_opinion, click.echo)


def main(arguments: Optional[list[str]] = None) -> NoReturn:
    """Runs the command line. Errors that a user can act on are one line on standard error."""
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments
    signal.signal(signal.SIGTERM, _interrupt)  # so that a run that is told to stop removes what it staged
    # Beam, Numba and matplotlib load hundreds of thousands of objects that live to the end. Python's default would go
    # through all of them again for every few hundred new ones, and when it ends: a fifth of the time of a short run.
    gc.set_threshold(50_000, 20, 100)
    atexit.register(gc.freeze)
    if not debug:
        logging.getLogger().setLevel(logging.ERROR)  # Beam warns of missing clouds as soon as it is imported
    try:
        cli.main(args=arguments, prog_name="curate", standalone_mode=False)
        sys.exit(0)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "curate"
        _fail(f"{_one_line(error.format_message()).rstrip('.')}; see `{command} --help`", error.exit_code)
    except click.ClickException as error:
        _fail(_one_line(error.format_message()), error.exit_code)
    except CurateError as error:
        if debug:
            raise
        _fail(_one_line(str(error)), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        _fail(INTERRUPTED, 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except Exception as error:
        if isinstance(error.__context__, KeyboardInterrupt):  # as Beam hands it on
            _fail(INTERRUPTED, 130)
        if debug:
            raise
        _fail(f"{_cause(error)}; add --debug for the traceback", 1)


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _fail(message: str, code: int) -> NoReturn:
    click.echo(f"curate: {message}", err=True)
    sys.exit(code)


def _cause(error: Exception) -> str:
    """What went wrong, and what helps against a lack of memory, by whichever library it is told."""
    cause = _one_line(_last(error))[:500]
    if _SHORT_OF_MEMORY.search(cause):
        return f"memory ran out ({cause}); take fewer documents at a time or smaller blocks (run.block_bytes)"
    return cause


def _last(error: Exception) -> str:
    """The message of an error: of the traceback that a worker process hands on for a message, the last line."""
    message = str(error)
    if message.startswith("worker process "):
        return message
    if message.startswith("Traceback "):
        return message.strip().rpartition("\n")[2]
    return f"{type(error).__name__}: {message}"


def _one_line(message: str) -> str:
    return " ".join(message.split())


if __name__ == "__main__":
    main()
