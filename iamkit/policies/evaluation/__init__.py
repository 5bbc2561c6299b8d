"""Whether a request is allowed, what policies grant together, and who can do what."""
