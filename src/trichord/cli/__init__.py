"""The `trichord` command: thin; every command calls one function of the library."""

from trichord.cli.app import main

__all__ = ["main"]
