#!/usr/bin/env bash
# Write the lock files anew from pyproject.toml and build.in. Needs uv.
set -euo pipefail
cd "$(dirname "$0")/.."

header="# Written by \`make lock\`; pip install --require-hashes -r it."

compile() {
  local out=$1
  shift
  {
    echo "$header"
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
      --no-emit-index-url --no-annotate --no-header --no-config "$@"
  } >"$out.new"
  mv "$out.new" "$out"
}

# the build tools first; the others then keep to the same numpy
compile requirements/build.txt requirements/build.in
compile requirements/runtime.txt pyproject.toml --constraints requirements/build.txt
compile requirements/dev.txt pyproject.toml --extra demo --extra parquet --extra pgvector --extra plot --extra test \
  --constraints requirements/runtime.txt
# torch is overridden away; models.sh installs it
compile requirements/models.txt requirements/models.in --override requirements/models.override \
  --constraints requirements/dev.txt
compile requirements/hsm.txt requirements/hsm.in --constraints requirements/dev.txt
