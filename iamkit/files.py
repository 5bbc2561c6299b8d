"""The name by which some modules still know ``iamkit.storage.private_files.write_whole``."""

from iamkit.storage.private_files import write_whole as write_privately

__all__ = ["write_privately"]
