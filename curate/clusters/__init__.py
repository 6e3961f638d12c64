"""Clusters of documents: a corpus-fitted embedding and spherical k-means over it."""
