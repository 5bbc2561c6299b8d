"""The actions that AWS knows, and the way from patterns to actions and back."""
