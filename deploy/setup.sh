#!/bin/sh
# Installs Python packages into $VENV: `setup.sh run` those of the service, `setup.sh dev` those of its tests too.
# A stamp named after the lock file marks a finished installation, so a second start needs no time and no network.
set -eu

kind=$1
VENV=${VENV:-.venv}
case $kind in
  run) lock=requirements.lock ;;
  dev) lock=requirements-dev.lock ;;
  *) echo "setup.sh: run or dev" >&2; exit 2 ;;
esac

fail() {
  echo "scholarstream: $1" >&2
  exit 2
}

new_enough() {
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
  for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3 python3.14 python}; do
    if new_enough "$candidate"; then
      echo "$candidate"
      return
    fi
  done
  found=$("${PYTHON:-python3}" --version 2>&1) || found="no ${PYTHON:-python3}"
  fail "Python 3.11 or newer is needed, here is: $found. Install one, or name it: make run PYTHON=/path/to/python3.12"
}

stamp=$VENV/.$kind-$(cksum "$lock" pyproject.toml | cksum | cut -d ' ' -f 1)
new_enough "$VENV/bin/python" && [ -e "$stamp" ] && [ -x "$VENV/bin/scholarstream" ] && exit 0
# the packages of the tests include those of the service
[ "$kind" = run ] && dev=$VENV/.dev-$(cksum requirements-dev.lock pyproject.toml | cksum | cut -d ' ' -f 1) &&
  new_enough "$VENV/bin/python" && [ -e "$dev" ] && [ -x "$VENV/bin/scholarstream" ] && exit 0

python=$(find_python)
parent=$(dirname "$VENV")
[ -d "$VENV" ] || mkdir -p "$parent" 2>/dev/null || fail "$parent cannot be created; choose another place: make run VENV=/path DATA_DIR=/path"
[ -w "$([ -d "$VENV" ] && echo "$VENV" || echo "$parent")" ] ||
  fail "$(cd "$parent" && pwd) cannot be written; choose another place: make run VENV=/path/venv DATA_DIR=/path/data"

if ! new_enough "$VENV/bin/python"; then
  echo "Making an environment in $VENV with $("$python" --version 2>&1) …"
  "$python" -m venv --clear "$VENV" || fail "$python cannot make environments; install its venv module (Debian, Ubuntu: apt install python3-venv)"
fi
echo "Installing what ${kind#dev}${kind#run} needs, versions and hashes from $lock (once, about a minute) …" |
  sed 's/what run needs/what the service needs/; s/what dev needs/what the service and its tests need/'
done=$VENV/.packages # a pipe has the exit status of its last command, not of pip
rm -f "$done"
{ "$VENV/bin/python" -m pip install --require-hashes --only-binary :all: --progress-bar on -r "$lock" && : >"$done"; } |
  sed -u -n 's/^Collecting \([^ ]*\).*/  \1/p; s/^Installing collected packages.*/  installing …/p'
[ -e "$done" ] || fail "the packages could not be installed (see above); is there a network?"
rm -f "$done"
"$VENV/bin/python" -m pip install --quiet --no-deps --no-build-isolation --editable . || fail "the project itself could not be installed (see above)"
rm -f "$VENV/.$kind-"*
: >"$stamp"
echo "Ready."
