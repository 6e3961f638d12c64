"""Metadata that media files and web pages carry inside: who or what made them, and what may be done with them."""
