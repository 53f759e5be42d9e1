"""`dead-letters`: what stages gave up on, and what is to be done about it."""
