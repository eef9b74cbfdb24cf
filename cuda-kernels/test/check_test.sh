#!/bin/sh
# What check.sh does on a GPU, without one: fake tools write down how they are called, and fail or hang when they are told to.
#
#   check_test.sh     exit 0 and one line where it does what its head says; 1 and what differs otherwise
set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bin=$work/bin
mkdir -p "$bin"
LOG=$work/log
export LOG

# Every tool: its call on a line of the log; then as FAIL or HANG (a pattern of such a line) say.
cat >"$work/tool" <<'END'
#!/bin/sh
call="$(basename "$0") $*"
if [ "${PALIMPSEST_CUBLASLT:-}" = none ]; then call="$call without"; fi
printf '%s\n' "$call" >>"$LOG"
matches() { case "$call" in *$1*) [ -n "$1" ] ;; *) return 1 ;; esac; }
if matches "${FAIL:-}"; then echo "a fault"; exit 7; fi
if matches "${HANG:-}"; then sleep 30; fi
END
for tool in nvidia-smi compute-sanitizer ncu python3; do cp "$work/tool" "$bin/$tool"; done
printf 'case "$*" in -L) echo "GPU 0" ;; *compute_cap*) echo 9.0 ;; esac\n' >>"$bin/nvidia-smi"
# The compiler leaves such tools behind; the bench leaves its figures.
{
  cat "$work/tool"
  printf 'out=; while [ $# -gt 0 ]; do if [ "$1" = -o ]; then out=$2; fi; shift; done\n'
  printf 'cp "%s/made" "$out"; chmod +x "$out"\n' "$work"
} >"$bin/nvcc"
{
  cat "$work/tool"
  printf 'while [ $# -gt 0 ]; do if [ "$1" = --json ]; then : >"$2"; fi; shift; done\n'
} >"$work/made"
# A second is as long as anything may take here; how long it would be is written down.
cat >"$bin/timeout" <<'END'
#!/bin/sh
printf 'timeout %s\n' "$3" >>"$LOG"
shift 3
exec /usr/bin/timeout -k 1 1 "$@"
END
chmod +x "$bin"/*

# run NAME [PART...]: check.sh with the fake tools; $code, and what it said in $work/said.
run() {
  name=$1
  shift
  : >"$LOG"
  code=0
  parts=
  if [ $# -gt 0 ]; then parts=--device; fi
  PATH=$bin:/usr/bin:/bin NVCC=$bin/nvcc LD_LIBRARY_PATH= PALIMPSEST_CUDA_BUILD=$work/build PALIMPSEST_CUDA_ARCHITECTURES="80 90a" \
    sh "$here/../check.sh" $parts "$@" >"$work/said" 2>&1 || code=$?
}
wrong=0
differs() {
  echo "check_test: $name: $*" >&2
  sed 's/^/    /' "$work/said" >&2
  wrong=1
}
expect_code() { if [ "$code" != "$1" ]; then differs "exit $code, expected $1"; fi; }
expect_said() { if ! grep -q -- "$1" "$work/said"; then differs "does not say '$1'"; fi; }
# The parts of a run in the order in which they began, each with its time.
order() {
  awk '/^timeout/ { limit = $2; next }
       limit { sub(/--tool /, ""); print limit " " ($1 == "compute-sanitizer" ? $2 : $1) ($NF == "without" ? " without" : "") ; limit = "" }' "$LOG" |
    tr '\n' ';'
}
expect_order() { if [ "$(order)" != "$1" ]; then differs "in the order '$(order)', expected '$1'"; fi; }

tests='90 test;90 test without;'
sanitizers='150 racecheck without;120 memcheck;120 initcheck without;'
benches='120 bench;240 bench;'
torch='120 python3;100 python3;100 python3;'

run "all is well"
expect_code 0
expect_said 'passed in'
expect_order "$tests$sanitizers$benches${torch}150 ncu;"
if ! grep -q 'nvcc .*sm_90a' "$LOG" || grep -q 'nvcc .*sm_80' "$LOG"; then differs "not built for this device's architecture alone"; fi
for rows in 8192 65536; do
  if ! grep -q "bench --rows $rows --json" "$LOG"; then differs "no bench at B $rows"; fi
done

for part in 'test  without' initcheck 'bench --rows 8192' drive.py; do
  FAIL=$part
  export FAIL
  run "a failure in $part"
  expect_code 1
  expect_said 'FAILED in'
  expect_said 'a fault'
  case "$part" in
    bench*) expect_order "$tests$sanitizers${benches}120 python3;100 python3;150 ncu;" ;; # without its figures PyTorch's have nothing beside them
    *) expect_order "$tests$sanitizers$benches${torch}150 ncu;" ;;
  esac
done
FAIL='test_step_test.cu.o.new'
rm -r "$work/build"
run "a source that does not compile"
expect_code 1
expect_order ''
expect_said 'the build with nvcc failed'
FAIL="-o $work/build/sm_90a/test "
run "a program that cannot be linked"
expect_code 1
FAIL='nvidia-smi -L'
run "no GPU"
expect_code 3
unset FAIL

HANG='bench --rows 65536'
export HANG
run "a part that hangs" bench torch
expect_code 1
expect_said 'bench-65536: stopped after its 240 s'
expect_order "$benches${torch%100 python3;}"
unset HANG

run "a part alone" sanitize
expect_code 0
expect_order "$sanitizers"
rm "$bin/ncu"
run "no profiler" profile
expect_code 0
expect_said 'ncu is not installed'
run "an unknown part" tset
expect_code 2
expect_said "'tset'"

if [ "$wrong" = 0 ]; then echo "check_test: the parts of a run on a GPU come in their order, and what fails or hangs is told"; fi
exit "$wrong"
