"""Compares finished runs by their reports: what has changed, by more than chance, and what it rests on."""
