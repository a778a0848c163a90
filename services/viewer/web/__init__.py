"""What every answer of the viewer has: who may read it, how often, compressed, and errors in words."""
