#!/usr/bin/env bash
# Install what the benchmark of speed compares with into an environment of its own: bench.sh VENV
# ENVIRONMENT. Never fails: what is missing is left out of the figures, and they say why. The
# versions are those of the extra `bench`; Chroma's dependencies are not ours.
set -euo pipefail
venv=$1
environment=$2

install() {
  local peers
  peers=$("$venv/bin/python" - <<'PYTHON'
import tomllib
with open("pyproject.toml", "rb") as file:
    print("\n".join(tomllib.load(file)["project"]["optional-dependencies"]["bench"]))
PYTHON
  )
  [ -x "$environment/bin/python" ] || "$venv/bin/python" -m venv "$environment"
  "$environment/bin/python" -m pip --disable-pip-version-check --quiet install -r <(echo "$peers")
}

if log=$(install 2>&1); then
  echo "Chroma and pgvector: installed in $environment" >&2
else
  echo "Chroma and pgvector: not installed, so the figures leave them out. pip said:" >&2
  { echo "$log" | grep -i error || echo "$log"; } | tail -n 3 >&2
fi
