"""Fills the store from the public topics, in a process of its own."""
