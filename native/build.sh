#!/bin/sh
# Builds libpalimpsest.so into the folder given (default target/native). Quiet unless it fails.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
build=${1:-$here/../target/native}
outputs=$(readlink -f -- "$here/../.mvn/outputs.sh")
complete=$build/complete
"$here/../.mvn/check-tools.sh"
mkdir -p "$build"
# A build that was killed may have left half an object, which make takes for a finished one.
again=
if ! (cd "$build" && "$outputs" same complete CMakeFiles/palimpsest.dir/src libpalimpsest.so); then again=--clean-first; fi
rm -f "$complete"
# CMake refuses a build folder that was made elsewhere, as it is in a tree that was moved or copied.
if [ -f "$build/CMakeCache.txt" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$here" "$build/CMakeCache.txt"; then
  rm -rf "$build/CMakeCache.txt" "$build/CMakeFiles"
fi
{
  cmake -S "$here" -B "$build" -DCMAKE_BUILD_TYPE=Release &&
  cmake --build "$build" --target palimpsest --parallel 2 $again
} >"$build/build.log" 2>&1 || {
  cat "$build/build.log" >&2
  echo "palimpsest: the native library did not build; the compiler's messages are above and in $build/build.log" >&2
  exit 1
}
(cd "$build" && "$outputs" record complete CMakeFiles/palimpsest.dir/src libpalimpsest.so)
