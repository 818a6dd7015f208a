#!/usr/bin/env bash
# Draws with the numpy reference on emulated 64-bit Arm, with Debian's python3 and numpy, and compares with this machine.
#
# Needs apt-get and dpkg-deb (Debian or Ubuntu) and qemu-aarch64-static (package qemu-user-static); nothing is installed:
# the arm64 packages are unpacked under .build/arm64. Arguments: pictures (1), steps (1), a model folder.
set -euo pipefail
cd "$(dirname "$0")/.."
cases=${1:-1} steps=${2:-1} model=$(realpath "${3:-node/render/model}")
python=${PYTHON:-.venv/bin/python}
home=$PWD/.build/arm64 root=$PWD/.build/arm64/root
command -v qemu-aarch64-static >/dev/null || { echo "qemu-aarch64-static is missing: install qemu-user-static" >&2; exit 2; }

if [ ! -e "$home/.unpacked" ]; then
    rm -rf "$home"
    mkdir -p "$home"/apt/{state/lists/partial,cache/archives/partial} "$root" "$home/wheels"
    touch "$home/apt/status"
    apt=(apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o APT::Install-Recommends=false
        -o "Dir::State=$home/apt/state" -o "Dir::State::status=$home/apt/status" -o "Dir::Cache=$home/apt/cache"
        -o Debug::NoLocking=1 -o "APT::Sandbox::User=$(id -un)")
    "${apt[@]}" update
    "${apt[@]}" --yes --download-only install python3-numpy
    for package in "$home"/apt/cache/archives/*.deb; do dpkg-deb --extract "$package" "$root"; done
    # What Debian does not have: the reader of model files, and the recipes' canonical JSON.
    "$python" -m pip download --quiet --no-deps --only-binary :all: --dest "$home/wheels" --constraint constraints.txt \
        --platform manylinux2014_aarch64 --platform any --implementation cp --abi abi3 --abi none safetensors rfc8785
    for wheel in "$home"/wheels/*.whl; do "$python" -m zipfile --extract "$wheel" "$home/pure"; done
    touch "$home/.unpacked"
fi

ask=$("$python" - "$model" "$cases" "$steps" <<'PYTHON'
import json, sys
model, cases, steps = sys.argv[1:]
settings = [{"name": "numpy int64, the reference", "engine": "numpy"}]
print(json.dumps({"model": model, "cases": int(cases), "steps": int(steps), "plant": "", "settings": settings}))
PYTHON
)
libraries=$root/usr/lib/aarch64-linux-gnu
interpreter=("$root"/usr/bin/python3.[0-9]*)
arm() {
    qemu-aarch64-static -L "$root" -E "LD_LIBRARY_PATH=$libraries/blas:$libraries/lapack:$libraries" -E "PYTHONHOME=$root/usr" \
        -E "PYTHONPATH=$PWD:$home/pure:$root/usr/lib/python3/dist-packages" -E PYTHONDONTWRITEBYTECODE=1 "${interpreter[0]}" "$@"
}
arm -c 'import platform, sys, numpy; print("emulated:", platform.machine(), "Python", sys.version.split()[0], "numpy", numpy.__version__)'
"$python" -c 'import platform, sys, numpy; print("here:    ", platform.machine(), "Python", sys.version.split()[0], "numpy", numpy.__version__)'
there=$(arm tools/exactness.py --child <<<"$ask")
here=$("$python" tools/exactness.py --child <<<"$ask")
echo "emulated: $there"
echo "here:     $here"
[ "$there" = "$here" ] && [[ $here == *'", ["'* ]] && echo "the same"
