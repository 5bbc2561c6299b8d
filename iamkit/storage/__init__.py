"""Files and folders: the one way to read a user's file, and the one way to put a file in place.

What is read is a regular file of bounded size; what is written is whole or absent, and on disk
when a function returns. Nothing here knows AWS, credentials or notebooks.
"""
