#!/bin/sh
# What `make test` needs beside Python packages: a real Chromium for the page, promtool for metrics and alerts, Apache Kafka for the log.
# Already there: nothing happens. Else from the system's packages (root, or sudo without a password), for Chromium from playwright, for Kafka
# from Maven Central (a Java runtime and Maven are installed for it). No jars are fetched where KAFKA_BOOTSTRAP names a cluster.
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

if ! have chromium && ! have chromium-browser && ! have google-chrome && ! from_playwright; then
  from_packages chromium || "$VENV/bin/python" -m playwright install chromium ||
    fail "no Chromium for the tests of the page: install the package chromium, or see the messages above"
fi

if ! have promtool; then
  from_packages prometheus || fail "no promtool for the tests of metrics and alerts: install Prometheus (Debian, Ubuntu: apt install prometheus)"
  as_root systemctl disable --now prometheus >/dev/null 2>&1 || true # only its promtool is wanted
fi

libs=${KAFKA_LIBS:-$VENV/kafka/libs}
wanted=$(sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' tests/clusters/pom.xml)
if [ -z "${KAFKA_BOOTSTRAP:-}" ] && ! [ -e "$libs/.complete-$wanted" ]; then
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
