"""The collapse benchmark: does a chain of models, each fed with what the last one wrote, keep its tail if curated?"""
