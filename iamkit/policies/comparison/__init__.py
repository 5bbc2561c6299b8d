"""Two policies beside each other: what one allows beyond the other, and a request to show it."""
