"""The errors that a user can act on, each with the exit code that the command line gives it."""


class CurateError(Exception):
    """An error whose message is one line: the value, what was expected, the remedy.

    Attributes:
        exit_code: what the command line returns for it.
    """

    exit_code = 1


class UsageError(CurateError):
    """Bad usage or configuration: nothing was read or written (exit code 2)."""

    exit_code = 2


class UnreadableInputError(CurateError):
    """Nothing readable, or more undecodable records than `run.max_error_rate` allows (exit code 3)."""

    exit_code = 3
