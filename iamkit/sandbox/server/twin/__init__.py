"""A twin: an account filled from the saved state of another one, without a secret of it.

`filling` makes who and what is there, `credentials` what they sign in with.
"""
