"""Where documents come from: content credentials, lineage, rights, and the verdict fused from them."""
