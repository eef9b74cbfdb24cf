#!/bin/sh
# Measures with `palimpsest bench` and files the JSON by commit and arguments. Arguments go to the command.
#   bench/record.sh --threads 2
#   bench/record.sh end-to-end
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
kind=short
if [ "${1:-}" = end-to-end ]; then kind=end-to-end; fi
commit=$(git rev-parse --short HEAD)
file=bench/results/$kind-$commit$(printf '%s' "$*" | sed "s/^$kind//" | tr -d ' /' | sed 's/--*/-/g').json
trap 'rm -f "$file.partial"' EXIT
./palimpsest bench "$@" --json >"$file.partial"
mv "$file.partial" "$file"
echo "bench: wrote $file"
bench/tables.sh
