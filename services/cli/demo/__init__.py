"""`demo`: plays a written morning into a stack and shows what becomes of it."""
