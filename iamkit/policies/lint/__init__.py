"""What is odd, useless or dangerous in a policy; each rule is a function."""
