"""C2PA manifests that travel inside texts: found, taken out and verified (C2PA 2.4, A.7 to A.9)."""
