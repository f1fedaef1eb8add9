#!/usr/bin/env bash
# Install what the tests of keys in a token need, where that is possible: hsm.sh VENV. Never fails:
# those tests are skipped elsewhere, and say what is missing. The extra comes from the lock file,
# SoftHSM2 from Debian's packages where apt-get and root are there.
set -euo pipefail
venv=$1

has_extra() {
  "$venv/bin/python" -c 'import pkcs11' >/dev/null 2>&1
}

has_softhsm() {
  command -v softhsm2-util >/dev/null
}

install_extra() {
  "$venv/bin/python" -m pip --disable-pip-version-check --quiet install \
    --require-hashes --no-deps -r requirements/hsm.txt
}

install_softhsm() {
  if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
    echo "error: no apt-get, or not root: install the package softhsm2 by hand"
    return 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -y -qq --no-install-recommends softhsm2 ||
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends softhsm2; }
}

# ensure WHAT HAS INSTALL: say that it is there, install it, or say why not
ensure() {
  local log
  if "$2"; then
    echo "$1: already installed" >&2
  elif log=$("$3" 2>&1) && "$2"; then
    echo "$1: installed" >&2
  else
    echo "$1: not installed, so tests of keys in a token are skipped:" >&2
    { echo "$log" | grep -iE 'error|^E:' || echo "$log"; } | tail -n 3 >&2
  fi
}

ensure "Extra hsm (python-pkcs11)" has_extra install_extra
ensure "SoftHSM2" has_softhsm install_softhsm
