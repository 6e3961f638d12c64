"""What the Flex Template launches.

A run is two Beam jobs with decisions between them; a template launches one, and may not wait for it. So that one is the
driver: a single element, for which a worker calls `curate run`, which submits the two jobs and waits. The driver's
name plus `-run` is theirs: should Dataflow start a lost driver again while they run, it refuses a second of that name.
"""

import argparse
import logging
import shlex
import subprocess
import sys
from typing import Sequence, Tuple

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, WorkerOptions

from curate.pipelines.runner import beam_options
from curate.processes import python_command

SEVERAL = ("input", "set", "exclude", "against")
"""Parameters of several values, separated by spaces, quoted as in a shell where they hold spaces themselves."""
ONE = ("output", "config", "artefacts", "human_reference")
FLAGS = ("overwrite",)


def run_command(arguments: Sequence[str]) -> list[str]:
    """The arguments for `curate` that the parameters of a template and Dataflow's own options amount to.

    Raises:
        UsageError: Beam knows one of the options no more than the template does.
    """
    given, beam_arguments = _parameters(arguments)
    command = ["run"]
    for name in SEVERAL:
        for value in shlex.split(getattr(given, name)):
            command += [f"--{name}", value]
    for name in ONE:
        if value := getattr(given, name):
            command += [f"--{name.replace('_', '-')}", value]
    command += [f"--{name}" for name in FLAGS if getattr(given, name).lower() == "true"]
    if given.job_name:
        beam_arguments = [*beam_arguments, f"--job_name={given.job_name}-run"]
    beam_options(beam_arguments, workers=1)
    return command + beam_arguments


def main(arguments: Sequence[str]) -> None:
    """Starts the driver.

    Args:
        arguments: `--name=value`: parameters of the template, and options that Dataflow adds.
    """
    command = run_command(arguments)
    given, beam_arguments = _parameters(arguments)
    own = [f"--{name}={value}" for name in ("job_name", "template_location") if (value := getattr(given, name))]
    options = PipelineOptions([*beam_arguments, *own])
    workers = options.view_as(WorkerOptions)
    workers.num_workers = workers.max_num_workers = 1
    pipeline = beam.Pipeline(options=options)
    _ = (
        pipeline
        | "Command" >> beam.Create([shlex.join(command)])
        | "Run" >> beam.Map(_run).with_output_types(Tuple[int, str])
        # What was tried is not tried again: a failed bundle would be, and with it the whole run.
        | "Done" >> beam.Reshuffle()
        | "Tell" >> beam.Map(_tell)
    )
    pipeline.run()


def _parameters(arguments: Sequence[str]) -> Tuple[argparse.Namespace, list[str]]:
    """The parameters of the template, and the options that are Beam's."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in (*SEVERAL, *ONE, *FLAGS, "job_name", "template_location"):
        parser.add_argument(f"--{name}", default="")
    return parser.parse_known_args(list(arguments))


def _run(command: str) -> Tuple[int, str]:
    """Calls curate in a process of its own; its exit code, and the last line that it wrote."""
    last = ""
    with subprocess.Popen(
        [*python_command("curate.pipelines.cli"), *shlex.split(command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        for line in process.stdout or ():
            last = line.strip() or last
            logging.info(last)
    return process.returncode, last


def _tell(outcome: Tuple[int, str]) -> None:
    code, last = outcome
    if code:
        raise RuntimeError(f"curate ended with exit code {code}: {last}")


if __name__ == "__main__":
    logging.getLogger().setLevel(logging.INFO)
    main(sys.argv[1:])
