"""`python -m trichord` is the `trichord` command."""

from trichord.cli import main

main()
