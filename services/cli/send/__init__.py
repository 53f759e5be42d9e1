"""`send`: posts a JSONL file to ingest, in order, and can go on where it stopped."""
