"""A server for the Model Context Protocol: published profiles as tools for language models."""
