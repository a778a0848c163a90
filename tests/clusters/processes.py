"""Brokers as processes of this machine (Java)."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from tests.clusters.cluster import SETTINGS, Cluster, for_nodes, free_ports, wait_for

CLUSTER_ID = "5L6g3nShT-eMCtK--X86sw"
LIBS = Path(os.environ.get("KAFKA_LIBS", Path(sys.prefix) / "kafka" / "libs"))
JAVA = ("java", "-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
USER, PASSWORD = "app", "app-secret"
# the broker ends with the tests, however these end
KEEPER = """
"$@" & broker=$!
echo $broker > "$PID_FILE"
while kill -0 $OWNER 2>/dev/null && kill -0 $broker 2>/dev/null; do sleep 0.2; done
kill -9 $broker 2>/dev/null
wait
"""


class ProcessCluster(Cluster):
    """secured: more listeners, by name: SCRAM (SASL_PLAINTEXT), PLAIN (SASL_SSL), TLS (SSL); `address` has
    them, `ca` their certificate.
    """

    def __init__(self, nodes: int, folder: Path, *, secured: bool = False):
        if not any(LIBS.glob("kafka_2.13-*.jar")):
            raise RuntimeError(f"no Kafka in {LIBS}: run `make test`, or `sh deploy/test-tools.sh`, once")
        if shutil.which("java") is None:
            raise RuntimeError("no java: install a Java runtime of version 17 or newer")
        self.nodes, self.folder, self.secured = nodes, Path(folder), secured
        each = 5 if secured else 2
        ports = free_ports(each * nodes)
        self.ports = {node: ports[each * (node - 1) : each * node] for node in range(1, nodes + 1)}
        self.bootstrap = ",".join(f"127.0.0.1:{ports[0]}" for ports in self.ports.values())
        self.ca = self.folder / "ca.pem"
        self._keepers: dict[int, subprocess.Popen] = {}

    def address(self, listener: str) -> str:
        return f"127.0.0.1:{self.ports[1][2 + ('SCRAM', 'PLAIN', 'TLS').index(listener)]}"

    def start(self) -> "ProcessCluster":
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.secured:
            self._make_certificate()
        for node in self.ports:
            self._launch(node)
        for node in self.ports:
            wait_for(self.ports[node][0], f"see {self._place(node)}/broker.log")
        return self

    def _place(self, node: int) -> Path:
        return self.folder / f"node{node}"

    def _settings(self, node: int) -> dict:
        broker, controller, *more = self.ports[node]
        names = ("SCRAM", "PLAIN", "TLS")[: len(more)]
        listeners = [
            f"PLAINTEXT://127.0.0.1:{broker}",
            *(f"{n}://127.0.0.1:{p}" for n, p in zip(names, more, strict=True)),
        ]
        kinds = "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SCRAM:SASL_PLAINTEXT,PLAIN:SASL_SSL,TLS:SSL"
        settings = SETTINGS | for_nodes(self.nodes) | {
            "node.id": node,
            "controller.quorum.voters": ",".join(f"{n}@127.0.0.1:{p[1]}" for n, p in self.ports.items()),
            "listeners": ",".join([*listeners, f"CONTROLLER://127.0.0.1:{controller}"]),
            "advertised.listeners": ",".join(listeners),
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": kinds,
            "log.dirs": self._place(node) / "data",
        }  # fmt: skip
        if self.secured:
            plain = (
                f'org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
            )
            settings |= {
                "sasl.enabled.mechanisms": "SCRAM-SHA-512,PLAIN",
                "listener.name.scram.sasl.enabled.mechanisms": "SCRAM-SHA-512",
                "listener.name.plain.sasl.enabled.mechanisms": "PLAIN",
                "listener.name.scram.scram-sha-512.sasl.jaas.config": (
                    "org.apache.kafka.common.security.scram.ScramLoginModule required;"
                ),
                "listener.name.plain.plain.sasl.jaas.config": plain,
                "ssl.keystore.location": self.folder / "keys.p12",
                "ssl.keystore.type": "PKCS12",
                "ssl.keystore.password": PASSWORD,
                "ssl.key.password": PASSWORD,
            }
        return settings

    def _make_certificate(self) -> None:
        keys = [
            "-keystore",
            self.folder / "keys.p12",
            "-storetype",
            "PKCS12",
            "-storepass",
            PASSWORD,
            "-alias",
            "broker",
        ]
        about = [
            "-dname",
            "CN=localhost",
            "-ext",
            "SAN=dns:localhost,ip:127.0.0.1",
            "-validity",
            "30",
            "-keyalg",
            "RSA",
        ]
        subprocess.run(["keytool", "-genkeypair", *keys, *about], check=True, capture_output=True)
        subprocess.run(
            ["keytool", "-exportcert", "-rfc", "-file", self.ca, *keys], check=True, capture_output=True
        )

    def _launch(self, node: int) -> None:
        place = self._place(node)
        place.mkdir(parents=True, exist_ok=True)
        config = place / "server.properties"
        config.write_text("".join(f"{key}={value}\n" for key, value in self._settings(node).items()))
        if not (place / "data" / "meta.properties").exists():
            scram = (
                ["--add-scram", f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]"] if self.secured else []
            )
            made = [
                *JAVA,
                "-cp",
                f"{LIBS}/*",
                "kafka.tools.StorageTool",
                "format",
                "-t",
                CLUSTER_ID,
                "-c",
                str(config),
                *scram,
            ]
            subprocess.run(made, check=True, capture_output=True)
        pid_file = place / "pid"
        pid_file.unlink(missing_ok=True)
        with (place / "broker.log").open("ab") as log:
            self._keepers[node] = subprocess.Popen(
                ["sh", "-c", KEEPER, "broker", *JAVA, "-cp", f"{LIBS}/*", "kafka.Kafka", str(config)],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env=os.environ | {"OWNER": str(_owner()), "PID_FILE": str(pid_file)},
            )

    def _signal(self, node: int, number: int) -> None:
        os.kill(int((self._place(node) / "pid").read_text()), number)

    def kill(self, node: int) -> None:
        self._signal(node, signal.SIGKILL)
        self._keepers.pop(node).wait(30)

    def revive(self, *nodes: int) -> None:
        for node in nodes:
            self._launch(node)
        for node in nodes:
            wait_for(self.ports[node][0], f"see {self._place(node)}/broker.log")

    def pause(self, node: int) -> None:
        self._signal(node, signal.SIGSTOP)

    def resume(self, node: int) -> None:
        self._signal(node, signal.SIGCONT)

    def stop(self) -> None:
        for node in list(self._keepers):
            with contextlib.suppress(OSError, ValueError):  # it may be gone already
                self._signal(node, signal.SIGKILL)
            self._keepers.pop(node).wait(30)


def _owner() -> int:
    """The process whose end is the end of the tests: pytest itself, not one of xdist's workers."""
    return os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
