"""`tail`: shows the records of a topic as they come."""
