"""Near-duplicates: candidates by LSH, exact verification, groups and their survivors."""
