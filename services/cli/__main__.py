"""`python -m services.cli` is `mention-triage`."""

from services.cli import main

main()
