"""Executed notebooks as pages to read, send and print."""
