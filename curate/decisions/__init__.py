"""Decisions on small columns: which document is which, what is real, who survives, what a document weighs."""
