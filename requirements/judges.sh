#!/usr/bin/env bash
# Build the Go judge of the audit log, where that is possible: judges.sh VENV. Never fails: its tests
# are skipped elsewhere, and say what is missing. Compiler and packages come from Debian where
# apt-get and root are there; nothing is fetched by Go itself.
set -euo pipefail
venv=$1
judge=$venv/bin/interlingua-go-judge
source=tests/protocol/go_judge/main.go
packages=(golang-go golang-golang-x-mod-dev)

has_go() {
  command -v go >/dev/null && [ -d /usr/share/gocode/src/golang.org/x/mod/sumdb/tlog ]
}

install_go() {
  if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
    echo "error: no apt-get, or not root: install ${packages[*]} by hand"
    return 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -y -qq --no-install-recommends "${packages[@]}" ||
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${packages[@]}"; }
}

build() {
  GO111MODULE=off GOFLAGS= GOPATH=/usr/share/gocode go build -o "$judge" "$source"
}

if [ "$judge" -nt "$source" ]; then
  echo "Go judge: already built" >&2
elif log=$( (has_go || install_go) 2>&1 && build 2>&1); then
  echo "Go judge: built" >&2
else
  rm -f "$judge"
  echo "Go judge: not built, so its tests are skipped:" >&2
  { echo "$log" | grep -iE 'error|^E:' || echo "$log"; } | tail -n 3 >&2
fi
