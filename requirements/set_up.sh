#!/usr/bin/env bash
# Make the virtual environment from the lock files: set_up.sh VENV [PYTHON]. Safe to run again.
set -euo pipefail
venv=$1
wanted=${2:-}

is_suitable() {
  "$1" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
  local candidate
  for candidate in ${wanted:-python3 python3.13 python3.12 python3.11}; do
    if is_suitable "$candidate"; then
      echo "$candidate"
      return
    fi
  done
  echo "A Python of at least 3.11 with its venv module is needed${wanted:+ and $wanted is none}:" \
    "install one, or name it, e.g. make test PYTHON=/path/to/python3.12" >&2
  exit 1
}

need_compiler() {
  local compiler=${CXX:-c++}
  if ! command -v "${compiler%% *}" >/dev/null && ! command -v g++ >/dev/null; then
    echo "A C++ compiler is needed, because hnswlib is built from source:" \
      "install g++ or clang++ (or set CXX) and run the same command again." >&2
    exit 1
  fi
}

python=$(find_python)
if ! "$venv/bin/python" -c 'import hnswlib' >/dev/null 2>&1; then
  need_compiler
fi
if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
  echo "Making $venv with $("$python" --version)" >&2
  "$python" -m venv --clear "$venv"
fi

pip() {
  "$venv/bin/python" -m pip --disable-pip-version-check --quiet --quiet "$@"
}

echo "Installing the locked requirements (once; some minutes on a slow connection)" >&2
pip install --require-hashes -r requirements/build.txt
pip install --require-hashes --no-build-isolation -r requirements/dev.txt
pip install --no-deps --no-build-isolation -e .
