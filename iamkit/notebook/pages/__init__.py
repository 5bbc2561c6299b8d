"""What single notebooks show: start page, audit, studio, welcome pages."""
