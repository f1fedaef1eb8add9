#!/usr/bin/env bash
# Install what the benchmark of speed compares with into an environment of its own: bench.sh VENV
# ENVIRONMENT. Never fails: what is missing is left out of the figures, and they say why. The
# versions are those of the extra `bench`; Chroma's dependencies are not ours. Chroma and pgvector
# are installed one after the other, so that one of them is there where the other cannot be.
set -euo pipefail
venv=$1
environment=$2

# the requirements of the extra `bench` whose names begin so, one a line
wanted() {
  "$venv/bin/python" - "$1" <<'PYTHON'
import re, sys, tomllib
with open("pyproject.toml", "rb") as file:
    extra = tomllib.load(file)["project"]["optional-dependencies"]["bench"]
print("\n".join(each for each in extra if re.match(sys.argv[1], each)))
PYTHON
}

# install NAME PATTERN MODULE...: pip, then see that the modules can be imported
install() {
  local name=$1 pattern=$2 log
  shift 2
  if log=$(
    [ -x "$environment/bin/python" ] || "$venv/bin/python" -m venv "$environment"
    "$environment/bin/python" -m pip --disable-pip-version-check --quiet install -r <(wanted "$pattern")
    for module in "$@"; do "$environment/bin/python" -c "import $module"; done
  ) 2>&1; then
    echo "$name: installed in $environment" >&2
  else
    echo "$name: not installed, so the figures leave it out. What was said:" >&2
    { echo "$log" | grep -i error || echo "$log"; } | tail -n 3 >&2
  fi
}

install Chroma 'chromadb' chromadb
install pgvector 'pgserver|psycopg|numpy' pgserver psycopg numpy
