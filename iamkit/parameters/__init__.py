"""What a person says: the models, the YAML file, the users' CSV, and IAM's rules for names.

No secret is ever a parameter, and nothing here reads an account.
"""
