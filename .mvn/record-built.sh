#!/bin/sh
# After Maven has compiled: notes what now lies there, for the launcher and for the next build.
#   record-built.sh TARGET LIST PLACE...   (as outputs.sh, places count from TARGET)
set -eu
outputs=$(dirname -- "$(readlink -f -- "$0")")/outputs.sh
cd "$1"
shift
# Without tests (-Dmaven.test.skip) there is nothing to note of them.
[ -e "${2#@}" ] || exit 0
"$outputs" record "$@"
touch -r build.started "$1"
