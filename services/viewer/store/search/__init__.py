"""Search in the store: authors by name or id, papers by words, title, DOI or id. Typing errors are
forgiven.
"""
