"""When a message that no receiver took is sent again."""

# Before each further attempt, as Standard Webhooks recommends. After the last one the message is given up.
PAUSES_SECONDS = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
