"""What several kinds of tests and benchmarks share."""
