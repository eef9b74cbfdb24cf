#!/bin/sh
# Runs the JMH benchmarks and leaves their JSON in bench/results. Arguments go to JMH, e.g. for one shape, quickly:
#   bench/run.sh KernelBenchmarks -p width=768 -p latents=32768 -p k=32 -f 1
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
./mvnw -B -q -Pbench -Dmaven.test.skip=true -DskipTests=true -Dspotless.check.skip process-test-classes
commit=$(git rev-parse --short HEAD)$(git diff --quiet HEAD || echo -dirty)
result=bench/results/jmh-$commit$(printf '%s' "$*" | tr -d ' ').json
# As the launcher does for `palimpsest bench`: libtorch's memory is kept.
export MALLOC_ARENA_MAX=1 MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=1099511627776
"${JAVA_HOME:+$JAVA_HOME/bin/}java" -cp "target/test-classes:target/classes:$(cat target/classpath.txt)" \
  org.openjdk.jmh.Main -rf json -rff "$result" "$@"
echo "bench: wrote $result"
bench/tables.sh
