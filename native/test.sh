#!/bin/sh
# Builds and runs the native tests below the folder given (default target/native), once optimised and once under
# AddressSanitizer and UndefinedBehaviorSanitizer. Quiet unless something fails.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
build=${1:-$here/../target/native}
outputs=$(readlink -f -- "$here/../.mvn/outputs.sh")
built="CMakeFiles/palimpsest.dir/src libpalimpsest.so tests"
"$here/../.mvn/check-tools.sh"

# run NAME CMAKE_OPTION...
run() {
  folder=$build/$1
  shift
  mkdir -p "$folder"
  # Half an object of a killed build is made again, as in build.sh.
  again=
  if ! (cd "$folder" && "$outputs" same complete $built); then again=--clean-first; fi
  rm -f "$folder/complete"
  {
    cmake -S "$here" -B "$folder" -DCMAKE_BUILD_TYPE=Release -DPAL_TESTS=ON "$@" &&
    cmake --build "$folder" --parallel 2 $again &&
    (cd "$folder" && "$outputs" record complete $built && ctest --output-on-failure)
  } >"$folder/test.log" 2>&1 || {
    cat "$folder/test.log" >&2
    echo "palimpsest: a native test failed; its messages are above and in $folder/test.log" >&2
    exit 1
  }
}

run tests
run sanitized -DPAL_SANITIZE=ON
