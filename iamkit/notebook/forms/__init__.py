"""A notebook's form: its fields, its state, the users' table."""
