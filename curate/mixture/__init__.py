"""The mixture: reference shares, token allocation per cluster, and sampling by seeded hash."""
