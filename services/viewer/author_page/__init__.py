"""The author's page: what it asks the snapshot and the store, what an open page gets, files of papers."""
