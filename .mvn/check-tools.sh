#!/bin/sh
# One clear sentence for each tool that the build needs and this machine lacks.
set -u
missing=
java=${JAVA_HOME:+$JAVA_HOME/bin/}javac
if ! command -v "$java" >/dev/null 2>&1; then
  missing="$missing a JDK 17 or newer (Debian: openjdk-17-jdk-headless);"
else
  major=$("$java" -version 2>&1 | sed -n 's/^javac \([0-9]*\).*/\1/p')
  [ "${major:-0}" -ge 17 ] || missing="$missing a JDK 17 or newer ($java is version ${major:-unknown}; set JAVA_HOME);"
fi
command -v "${CXX:-g++}" >/dev/null 2>&1 || missing="$missing a C++ compiler (Debian: g++);"
command -v cmake >/dev/null 2>&1 || missing="$missing CMake 3.18 or newer (Debian: cmake);"
if [ -n "$missing" ]; then
  echo "palimpsest: the build needs$missing install what is named and try again." >&2
  exit 1
fi
