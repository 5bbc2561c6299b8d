"""From what is wanted and what is there to the calls that lead from one to the other.

Pure: planning, the preview, what a plan means for people, and how far an account is.
"""
