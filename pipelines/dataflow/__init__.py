"""The Flex Template for Dataflow: its image, its metadata, and what it launches."""
