"""A small language model of words, counted, sampled and scored with NumPy, for the demo and the benchmark."""
