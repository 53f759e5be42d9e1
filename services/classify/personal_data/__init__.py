"""Personal data in the text of a mention: what is given away, where it stands, and the text without it.

The rules, kind by kind, and how often they are right are in docs/personal-data.md.
"""
