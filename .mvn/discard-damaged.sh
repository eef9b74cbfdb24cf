#!/bin/sh
# Before Maven compiles: classes that are not as the last build left them are thrown away, as Maven would take the half
# class of a killed build for a finished one. discard-damaged.sh TARGET
set -eu
outputs=$(dirname -- "$(readlink -f -- "$0")")/outputs.sh
mkdir -p "$1"
cd "$1"
# The sources that a build has seen are those of its beginning.
: >build.started
if ! "$outputs" same palimpsest.built classes @classpath.txt; then
  rm -rf palimpsest.built classes/dev maven-status
fi
if ! "$outputs" same tests.built test-classes; then
  rm -rf tests.built test-classes/dev maven-status/maven-compiler-plugin/testCompile
fi
