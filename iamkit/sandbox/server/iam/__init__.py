"""IAM as AWS answers it: moto's classes, with AWS's rules before them and AWS's pages after.

Each file has one subject. A rule is a function that refuses, registered for the actions that it
guards (`rules`); an answer that moto gives wrong is a method that replaces moto's.
"""
