"""The HTTP interface for programs, a file for each group of addresses. `registry` lists them all."""
