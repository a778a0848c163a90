#!/bin/sh
# Installs what `make test` needs beside Python packages: Chromium for the page, promtool for metrics and alerts, Apache
# Kafka for the log. `test-tools.sh plan` only prints what is missing. Sources: the system's packages (as root, or sudo
# without a password); for Chromium also playwright; for Kafka Maven Central, which needs a Java runtime and Maven. With
# KAFKA_BOOTSTRAP, which names a cluster, no Kafka is fetched.
set -eu

VENV=${VENV:-.venv}

fail() {
  echo "test-tools.sh: $1" >&2
  exit 1
}

have() {
  command -v "$1" >/dev/null 2>&1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif have sudo && sudo -n true 2>/dev/null; then
    sudo -n "$@"
  else
    return 1
  fi
}

from_packages() {
  have apt-get || return 1
  echo "Installing $1 …"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$1" >/dev/null 2>&1 && return
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update >/dev/null 2>&1 || return 1
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$1" >/dev/null 2>&1
}

from_playwright() {
  "$VENV/bin/python" - <<'PYTHON'
import pathlib, sys
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    sys.exit(not pathlib.Path(playwright.chromium.executable_path).exists())
PYTHON
}

have_chromium() {
  have chromium || have chromium-browser || have google-chrome || from_playwright 2>/dev/null
}

libs=${KAFKA_LIBS:-$VENV/kafka/libs}
wanted=$(sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' tests/clusters/pom.xml)

have_kafka() {
  [ -n "${KAFKA_BOOTSTRAP:-}" ] || [ -e "$libs/.complete-$wanted" ]
}

missing() {
  set -- "$VENV"/.dev-*
  [ -e "$1" ] || echo "  the Python packages of requirements-dev.lock, into $VENV"
  have_chromium || echo "  Chromium: the system's package, or playwright's"
  have promtool || echo "  promtool: the system's package prometheus"
  have_kafka || have java || echo "  a Java runtime: the system's package default-jre-headless"
  have_kafka || have mvn || echo "  Maven: the system's package maven"
  have_kafka || echo "  Apache Kafka $wanted: Maven Central, about 55 MB, into $libs"
}

if [ "${1:-}" = plan ]; then
  plan=$(missing)
  [ -z "$plan" ] || printf '%s\n%s\n%s\n' "make test installs:" "$plan" \
    "System packages need root, or sudo without a password. \`make unit\` needs the Python packages alone."
  exit 0
fi

if ! have_chromium; then
  from_packages chromium || "$VENV/bin/python" -m playwright install chromium ||
    fail "no Chromium for the tests of the page: install the package chromium, or see the messages above"
fi

if ! have promtool; then
  from_packages prometheus || fail "no promtool for the tests of metrics and alerts: install Prometheus (Debian, Ubuntu: apt install prometheus)"
  as_root systemctl disable --now prometheus >/dev/null 2>&1 || true # only promtool is needed
fi

if ! have_kafka; then
  have java || from_packages default-jre-headless ||
    fail "no java for the tests on Kafka: install a Java runtime of version 17 or newer (Debian, Ubuntu: apt install default-jre-headless)"
  have mvn || from_packages maven || fail "no mvn to fetch Apache Kafka with: install Maven (Debian, Ubuntu: apt install maven)"
  echo "Fetching Apache Kafka $wanted from Maven Central (once, about 55 MB) …"
  rm -rf "$libs"
  mkdir -p "$libs"
  libs=$(cd "$libs" && pwd)
  mvn -q -B -Dstyle.color=never -f tests/clusters/pom.xml dependency:copy-dependencies -DoutputDirectory="$libs" || fail "Maven could not fetch Apache Kafka (see above)"
  : >"$libs/.complete-$wanted"
fi
