"""The pages, rendered on the server from snapshots: complete without JavaScript, kept up to date in place with it."""
