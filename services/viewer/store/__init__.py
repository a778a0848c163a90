"""The viewer's own store: papers, authors, citations and texts, made from the public topics. It can be
rebuilt at any time.
"""
