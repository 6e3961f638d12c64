"""What tells whether a corpus collapses: diversity, tails and concentration, measured against human documents.

Every state is mergeable, exactly and in any order; `curate.metrics.corpus` puts them together.
"""
