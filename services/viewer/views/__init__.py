"""The pages for people as HTTP answers, a file for each group of addresses."""
