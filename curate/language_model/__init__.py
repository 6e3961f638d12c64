"""A small language model of words: counted, sampled and scored with NumPy. Demo and collapse benchmark write with it."""
