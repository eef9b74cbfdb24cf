#!/bin/sh
# Builds, tests and times the CUDA kernels. Needs nvcc and g++ alone; libcublasLt is looked for at run time.
#
#   check.sh                  build, device test, the same under compute-sanitizer, bench; needs a GPU (exit 3 without one)
#   check.sh --host-only      every kernel emulated on the host against the double-precision reference; needs g++ alone
#   check.sh --compile-only   everything with nvcc for every architecture, and the resource report; skipped without nvcc
#
# Quiet unless something fails; ends with one summary line. PALIMPSEST_CUDA_BUILD: where to build (target/cuda-kernels).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
build=${PALIMPSEST_CUDA_BUILD:-$root/target/cuda-kernels}
architectures=${PALIMPSEST_CUDA_ARCHITECTURES:-"80 90a 100 120"}
jobs=${PALIMPSEST_JOBS:-$(nproc 2>/dev/null || echo 2)}

say() { printf '%s\n' "$*" >&2; }

# Runs "$@"; shows its output only when it fails.
quietly() {
  log=$build/$1.log
  shift
  if ! "$@" >"$log" 2>&1; then
    cat "$log" >&2
    return 1
  fi
}

includes="-I$root/native/include -I$here/include -I$here/src -I$here/test"

# ---- on the host ----------------------------------------------------------------------------------------------------

host_object() { # source -> object, if the source or any header is newer
  object=$build/host/$(basename "$1").o
  if [ ! -f "$object" ] || [ "$1" -nt "$object" ] || [ "$newest_header" -nt "$object" ]; then
    # No contraction: a multiply-add is fused only where the source says so, as for the device.
    ${CXX:-g++} -std=c++17 -O2 -g -ffp-contract=off -Wall -Wextra -Werror -Wno-unknown-pragmas $includes -x c++ -c "$1" \
      -o "$object.new" && mv "$object.new" "$object"
  fi
}

host_only() {
  mkdir -p "$build/host"
  newest_header=$(ls -t "$root"/native/include/*.h "$here"/*/*.h "$here"/*/*.cuh "$here/check.sh" | head -n 1)
  running=0
  rm -f "$build/host/failed"
  for source in "$here"/src/*.cu "$here"/test/*.cu "$here"/host/*.cpp; do
    (host_object "$source" || touch "$build/host/failed") &
    running=$((running + 1))
    if [ "$running" -ge "$jobs" ]; then
      wait
      running=0
    fi
  done
  wait
  if [ -f "$build/host/failed" ]; then
    say "cuda-kernels: the host build failed"
    exit 1
  fi
  ${CXX:-g++} -o "$build/host/test" "$build"/host/*.o
  "$build/host/test"
}

case "${1:-}" in
  --host-only) host_only ;;
  *)
    say "usage: check.sh --host-only"
    exit 2
    ;;
esac
