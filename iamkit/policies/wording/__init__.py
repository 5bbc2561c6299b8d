"""Policies in sentences."""
