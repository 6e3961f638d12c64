"""Text to numbers: language, tokens, shingles, signatures."""
