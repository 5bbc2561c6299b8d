"""A plan under review, and the cells that apply and verify it."""
