#!/bin/sh
# Makes bench/RESULTS.md and the README's table from the recorded results.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
"${JAVA_HOME:+$JAVA_HOME/bin/}java" -cp "target/classes:$(cat target/classpath.txt)" bench/Tables.java \
  bench/results >bench/RESULTS.md.partial
mv bench/RESULTS.md.partial bench/RESULTS.md
"${JAVA_HOME:+$JAVA_HOME/bin/}java" -cp "target/classes:$(cat target/classpath.txt)" bench/Tables.java \
  bench/results README.md
