"""Records as any other client may write them, into every topic: the services go on, and what is published
stays right.
"""
