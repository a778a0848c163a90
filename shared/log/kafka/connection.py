"""The connection to a cluster: addresses, security, and the arguments that all clients share."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from typing import Any

from aiokafka import errors
from aiokafka.errors import KafkaError

from shared.errors import Fenced, LogError, LogUnavailable, UsageError
from shared.log.kafka.client import Client
from shared.log.kafka.options import KafkaOptions

SCHEME = "kafka://"
REQUEST_SECONDS = 10.0  # longest wait for one request to one broker
RETRY_MS = 50
METADATA_MS = 60_000
FENCED = (errors.ProducerFenced, errors.InvalidProducerEpoch)
REFUSED = (  # errors that a later try would meet again
    errors.MessageSizeTooLargeError,
    errors.RecordListTooLargeError,
    errors.TopicAuthorizationFailedError,
    errors.GroupAuthorizationFailedError,
    errors.ClusterAuthorizationFailedError,
    errors.TransactionalIdAuthorizationFailed,
    errors.InvalidReplicationFactorError,
    errors.PolicyViolationError,
)


class KafkaConnection:
    """Makes and ends the clients of one cluster.

    Error: UsageError for a wrong address, file or combination.
    """

    def __init__(self, url: str, options: KafkaOptions):
        self._leaving: set[asyncio.Task[None]] = set()
        self.servers = url.removeprefix(SCHEME)
        self.options = options
        if not self.servers or any(not _is_address(one) for one in self.servers.split(",")):
            raise UsageError(
                f"SCHOLARSTREAM_LOG: {url!r} is not right; it must be kafka://HOST:PORT, "
                "or several: kafka://A:9092,B:9092"
            )
        secured = options.security.startswith("SASL")
        if secured and not (options.username and options.password):
            raise UsageError(
                f"{options.security} needs SCHOLARSTREAM_KAFKA_USERNAME, and SCHOLARSTREAM_KAFKA_PASSWORD "
                "or SCHOLARSTREAM_KAFKA_PASSWORD_FILE"
            )
        self._arguments: dict[str, Any] = {
            "bootstrap_servers": self.servers,
            "client_id": "scholarstream",
            "request_timeout_ms": int(REQUEST_SECONDS * 1000),
            "retry_backoff_ms": RETRY_MS,
            "metadata_max_age_ms": METADATA_MS,
            "security_protocol": options.security,
        }
        if options.security.endswith("SSL"):
            self._arguments["ssl_context"] = _tls(options)
        if secured:
            self._arguments |= {
                "sasl_mechanism": options.sasl_mechanism,
                "sasl_plain_username": options.username,
                "sasl_plain_password": options.password,
            }

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of every client."""
        return dict(self._arguments)

    def leave(self, client: Client[Any]) -> asyncio.Future[None]:
        """Ends a client. The caller may wait for the end, be cancelled, or not wait at all."""
        task = asyncio.ensure_future(client.end())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)
        return asyncio.shield(task)

    async def all_left(self) -> None:
        """Returns when all clients have ended that `leave` took, or after a bound."""
        if self._leaving:
            await asyncio.wait(self._leaving, timeout=2 * REQUEST_SECONDS)

    @contextlib.asynccontextmanager
    async def bounded(self, what: str, seconds: float) -> AsyncIterator[None]:
        """Limits a wait, and raises Kafka's errors as LogUnavailable, Fenced or LogError.

        what: names the work.
        """
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError:
            raise LogUnavailable(f"Kafka at {self.servers} did not {what} within {seconds:g} s") from None
        except KafkaError as error:
            raise self.translated(what, error) from error
        except errors.ConsumerStoppedError as error:
            raise LogUnavailable(f"Kafka at {self.servers} could not {what}: the client was ended") from error
        except OSError as error:
            raise LogUnavailable(f"Kafka at {self.servers} could not {what}: {error}") from error

    def translated(self, what: str, error: KafkaError) -> LogError | Fenced:
        """The error of the tree for an error of Kafka."""
        if isinstance(error, FENCED):
            return Fenced(f"another process has taken over here, so this one could not {what}")
        kind = LogError if isinstance(error, REFUSED) else LogUnavailable
        return kind(f"Kafka at {self.servers} could not {what}: {str(error) or type(error).__name__}")


def _is_address(text: str) -> bool:
    host, colon, port = text.rpartition(":")
    return bool(colon and host) and port.isascii() and port.isdigit() and 0 < int(port) < 65536


def _tls(options: KafkaOptions) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=options.ca_file)
        if options.cert_file:
            context.load_cert_chain(options.cert_file, options.key_file)
    except (OSError, ssl.SSLError) as error:
        named = ", ".join(str(f) for f in (options.ca_file, options.cert_file, options.key_file) if f)
        raise UsageError(f"the certificates for Kafka cannot be used ({named}): {error}") from None
    return context
