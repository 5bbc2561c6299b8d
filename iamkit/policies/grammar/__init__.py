"""What a policy document is: its text, statements, conditions, patterns and size."""
