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
if matches "${FAIL:-}"; then
  echo "a fault"
  echo "${SAYS:-}"
  exit 7
fi
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
  printf 'while [ $# -gt 0 ]; do if [ "$1" = --json ]; then : >"$2"; fi; shift; done # cub batched topk\n'
} >"$work/made"
# A second is as long as anything may take here; how long it would be is written down.
cat >"$bin/timeout" <<'END'
#!/bin/sh
printf 'timeout %s\n' "$3" >>"$LOG"
shift 3
exec /usr/bin/timeout -k 1 1 "$@"
END
chmod +x "$bin"/*

# run NAME [ARGUMENT...]: check.sh with the fake tools; $code, and what it said in $work/said.
run() {
  name=$1
  shift
  : >"$LOG"
  rm -rf "$work/results"
  code=0
  PATH=$bin:/usr/bin:/bin NVCC=$bin/nvcc LD_LIBRARY_PATH= PALIMPSEST_CUBLASLT=/fake/libcublasLt.so PALIMPSEST_CUDA_BUILD=$work/build \
    PALIMPSEST_CUDA_RESULTS=$work/results PALIMPSEST_CUDA_ARCHITECTURES="80 90a" sh "$here/../check.sh" "$@" >"$work/said" 2>&1 || code=$?
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

tests='60 test;60 test without;'
bench='110 bench;'
drive='110 python3;'
large='180 bench;'
torch='90 python3;90 python3;'
sanitizers='30 racecheck without;110 racecheck without;80 memcheck;80 initcheck without;'
profile='100 ncu;30 ncu;'
all="$tests$bench$drive$large$torch$sanitizers$profile"

run "all is well"
expect_code 0
expect_said 'passed in'
expect_order "$all"
if ! grep -q 'nvcc .*sm_90a' "$LOG" || grep -q 'nvcc .*sm_80' "$LOG"; then differs "not built for this device's architecture alone"; fi
for rows in 8192 65536; do
  if ! grep -q "bench --json .*bench-$rows.json --rows $rows" "$LOG"; then differs "no bench at B $rows"; fi
  if ! grep -q "torch_baseline.py --rows $rows .* --ours" "$LOG"; then differs "PyTorch is not compared at B $rows"; fi
done
if ! grep -q 'ncu --clock-control none' "$LOG"; then differs "the profiler sets the clocks"; fi

# What each call takes and leaves: at most 8 minutes with two of them for the build, and four files.
for call in 1 2 3; do
  run "call $call" --call $call --strict
  expect_code 0
  case $call in 1) expect_order "$tests$bench$drive" ;; 2) expect_order "$large$torch" ;; 3) expect_order "$sanitizers$profile" ;; esac
  seconds=$(awk '/^timeout/ { sum += $2 } END { print sum }' "$LOG")
  if [ "$seconds" -gt 440 ]; then differs "its parts may take $seconds s"; fi
  if [ "$(ls "$work/results" | wc -l)" -gt 4 ]; then differs "leaves $(ls "$work/results")"; fi
  if ! grep -q 'passed in' "$work/results/call-$call.log"; then differs "its log does not say how it ended"; fi
done
rm -f "$work"/build/bench-*.json
run "a call on a fresh machine" --call 2
expect_order "${large}40 bench;$torch"
PALIMPSEST_CUDA_SECONDS=1
export PALIMPSEST_CUDA_SECONDS
run "a call without time" --call 1
expect_code 1
expect_said 'not begun, no time is left'
unset PALIMPSEST_CUDA_SECONDS

for part in 'test  without' initcheck 'bench-8192.json --rows' drive.py; do
  FAIL=$part
  export FAIL
  run "a failure in $part"
  expect_code 1
  expect_said 'FAILED in'
  expect_said 'a fault'
  case "$part" in
    bench*) expect_order "$tests$bench$drive${large}40 bench;$torch$sanitizers$profile" ;; # PyTorch's figures have only what is left
    *) expect_order "$all" ;;
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

HANG='bench-65536.json'
export HANG
run "a part that hangs" --device bench bench-large
expect_code 1
expect_said 'bench-65536: stopped after its 180 s'
unset HANG

# racecheck that tells of a copy that was waited for says nothing about ours.
FAIL='racecheck --error-exitcode 9 '$work'/build/sm_90a/test asynchronous'
export FAIL
run "racecheck that does not follow copies" --device sanitize
expect_code 0
expect_said 'passed, without: racecheck of asynchronous copies'
if grep -q 'racecheck .*kernels of tiles' "$LOG"; then differs "racecheck of tiles all the same"; fi
FAIL='compute-sanitizer --tool racecheck'
SAYS='Device not supported'
export SAYS
run "a device that the sanitizer refuses" --strict --device sanitize
expect_code 4
expect_said 'passed, without: compute-sanitizer (cannot work here)'
FAIL='ncu --clock-control'
SAYS='LibraryNotLoaded'
run "a device that the profiler refuses" --device profile
expect_code 0
expect_said 'passed, without: ncu (cannot work here)'
SAYS=
run "a profiler that fails" --device profile
expect_code 1
unset FAIL SAYS

run "a part alone" --device sanitize
expect_code 0
expect_order "$sanitizers"
run "no part" --device
expect_code 2
rm "$bin/ncu" "$bin/compute-sanitizer"
run "no profiler" --device profile
expect_code 0
expect_said 'passed, without: ncu'
FAIL='import sys, torch'
export FAIL
run "no sanitizer, no PyTorch" --device torch drive sanitize --strict
expect_code 4
expect_said 'passed, without: PyTorch that sees the GPU, compute-sanitizer'
unset FAIL
run "an unknown part" --device tset
expect_code 2
expect_said "'tset'"
run "an unknown call" --call 4
expect_code 2

if [ "$wrong" = 0 ]; then echo "check_test: the parts of a run on a GPU come in their order, and what fails or hangs is told"; fi
exit "$wrong"
