"""Who can become administrator, and by which calls: the known paths as data, and the search.

Here is what holds of an account as it was read. Nothing here calls AWS or draws.
"""
