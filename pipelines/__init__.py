"""Runnable jobs: the command line, readers and writers, runner options."""
