"""What clusters do to a service, done to it on purpose; in the end every author is exact and no subscriber
saw a version fall.
"""
