"""Notebooks run headless: kernels, signals, results, and the search for secrets."""
