"""A corpus with known truth that any machine with Python can build, and the comparison of a run with that truth."""
