"""The notebooks' side: forms, the review, what is shown, and running them headlessly."""
