"""Whether the service in this container lives: exit code 0 when /healthz says so.

A socket and nothing else: run every few seconds beside every service, an HTTP client's imports would cost ten
times the question.
"""

import os
import socket
import sys

SECONDS = 4.0


def answer(port: int) -> bytes:
    """The whole answer of /healthz. Error: OSError."""
    with socket.create_connection(("127.0.0.1", port), SECONDS) as connection:
        connection.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
        with connection.makefile("rb") as file:
            return file.read()


try:
    head, _, report = answer(int(os.environ.get("SCHOLARSTREAM_PORT") or 8080)).partition(b"\r\n\r\n")
except (OSError, ValueError) as error:
    sys.exit(f"no answer: {error}")
print(report.decode(errors="backslashreplace"))  # docker inspect shows it
sys.exit(0 if b" 200 " in head.splitlines()[0] else 1)
