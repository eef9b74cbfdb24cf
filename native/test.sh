#!/bin/sh
# Builds and runs the native tests.
set -eu
