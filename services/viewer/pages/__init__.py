"""The pages.

The server renders them from snapshots; a script keeps an open page up to date, if there is JavaScript.
"""
