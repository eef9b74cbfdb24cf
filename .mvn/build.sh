#!/bin/sh
# The launcher's build: once, one at a time, telling how far it is.
set -eu
root=$1
target=$root/target
log=$target/launcher-build.log
mkdir -p "$target"

# A second launcher waits for the first, and then finds the build done.
if command -v flock >/dev/null 2>&1; then
  exec 9>"$target/launcher-build.lock"
  if ! flock -n 9; then
    echo "palimpsest: another process is building here; waiting for it ..." >&2
    flock 9
    if "$root/.mvn/up-to-date.sh" "$root"; then exit 0; fi
  fi
fi

echo "palimpsest: building (once; the first time fetches about 250 MB of libraries) ..." >&2
# A library cut since it was fetched, by a full disk say, is fetched again: Maven itself would not look at it.
if [ -f "$target/classpath.txt" ]; then
  { tr ':' '\n' <"$target/classpath.txt"; echo; } | while read -r jar; do
    fetched=$(grep -soE '^[0-9a-f]{40}' "$jar.sha1" || true)
    if [ -n "$fetched" ] && [ -f "$jar" ] && [ "$fetched" != "$(sha1sum <"$jar" | head -c 40)" ]; then
      echo "palimpsest: $jar is damaged; fetching it again" >&2
      rm -f "$jar" "$jar.sha1"
    fi
  done
fi
# The compilers' temporary files lie here, so that those of a killed build do not stay behind.
rm -rf "$target/tmp"
mkdir -p "$target/tmp"
export TMPDIR="$target/tmp" MAVEN_OPTS="${MAVEN_OPTS:-} -Djava.io.tmpdir=$target/tmp"
# Built for a GPU once, built for a GPU again.
profile=
if grep -qs 'pytorch-[^:]*-gpu\.jar' "$target/classpath.txt"; then profile=-Pcuda; fi

# On a terminal one line that changes, elsewhere a line a step.
progress='
  function step(text) { printf "%spalimpsest: [%d/5] %s%s", begin, ++steps, text, end > "/dev/stderr"; fflush("/dev/stderr") }
  BEGIN { step("looking for the libraries") }
  /^Download(ed|ing) from/ { if (!fetching) { fetching = 1; steps = 0; step("fetching libraries") } }
  /--- .*native-library/ { fetching = 1; steps = 1; step("compiling the kernels") }
  /--- .*\(default-compile\)/ { steps = 2; step("compiling Java") }
  /--- .*\(jni\)/ { steps = 3; step("compiling the binding") }
  END { steps = 4; if (ok) step("done"); if (begin != "") printf "\n" > "/dev/stderr" }
  /^exit 0$/ { ok = 1 }'
begin='' end='\n'
if [ -t 2 ] && [ -z "${CI:-}" ]; then begin='\r\033[K' end=''; fi
{ "$root/mvnw" -B $profile process-classes 2>&1 && printf '\nexit 0\n' || printf '\nexit %s\n' $?; } | tee "$log" \
  | awk -v begin="$begin" -v end="$end" "$progress"
rm -rf "$target/tmp"
if [ "$(tail -n 1 "$log")" != "exit 0" ]; then
  grep -E '^palimpsest:|ERROR' "$log" >&2 || cat "$log" >&2
  echo "palimpsest: the build failed; the whole log is $log" >&2
  exit 1
fi
