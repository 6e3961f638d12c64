"""What a run tells about itself: summary, report, manifest, Croissant metadata, and the story of one document."""
