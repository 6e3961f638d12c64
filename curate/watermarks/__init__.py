"""Watermarks that generators put into their text: tests with a key, and which of their results are discoveries."""
