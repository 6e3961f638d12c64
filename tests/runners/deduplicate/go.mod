module curate/deduplicate

go 1.26

require github.com/apache/beam/sdks/v2 v2.77.0
