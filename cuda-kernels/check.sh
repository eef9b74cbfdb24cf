#!/bin/sh
# Builds, tests and times the CUDA kernels. Needs nvcc and g++ alone; libcublasLt is looked for at run time.
#
#   check.sh [--strict]       on a GPU: all of --call 1, 2 and 3. Goes on after a failure (too long is one), so that one call shows
#                             all. Ends with "passed", "passed, without: ..." where a tool is missing, or "FAILED": exit 0, with
#                             --strict 4 where something is missing; 1; 3 without a GPU
#   check.sh --call 1 [--strict]  in a session of its own, each at most 8 minutes with the build (docs/gpu.md): 1 the test with and
#                             without cuBLASLt, the bench at B 8192, our library within PyTorch's process; 2 the bench at B 65,536
#                             and PyTorch beside both; 3 racecheck, memcheck and initcheck, and a profile of five kernels
#   check.sh --device PART...  only these parts of it: test, bench, drive, bench-large, torch, sanitize, profile
#   check.sh --host-only      every kernel emulated on the host against the double-precision reference, a race detector beside
#                             every case (host/detector.h); needs g++ alone
#   check.sh --mutants [WORD...]  faults planted in the kernels' sources one at a time (test/mutants.py), each of which the emulated
#                             test must find; an hour, or only those whose line has a word
#   check.sh --host-library DIR  the emulated kernels as libpalimpsest_cuda_emulated.so, with the same functions; g++ alone
#   check.sh --compile-only   everything with nvcc for every architecture, and the resource report; exit 0 and a visible
#                             "skipped" without nvcc. With --record the report goes to cuda-kernels/resources.md
#   check.sh --library DIR    libpalimpsest_cuda.so for every architecture, into DIR; needs nvcc
#
# Quiet unless something fails; ends with one summary line. Environment:
#   PALIMPSEST_CUDA_BUILD          where to build (target/cuda-kernels)
#   PALIMPSEST_CUDA_RESULTS        where a run on a GPU leaves its log, its figures and the profile, four files at most (the build
#                                  folder)
#   PALIMPSEST_CUDA_SECONDS        what a run on a GPU may take in all; parts that no longer fit have failed (--call: 480; else no limit)
#   PALIMPSEST_CUDA_ARCHITECTURES  what to compile for ("80 90a 100 120"; with 80 comes PTX that a driver can translate for
#                                  any later one)
#   PALIMPSEST_CUBLASLT            path of libcublasLt.so; none: do without
#   PALIMPSEST_CPU_LIBRARY         the CPU library to compare with (target/native/libpalimpsest.so where it exists)
#   PALIMPSEST_REAL_INPUTS         a file of bench/export_inputs.py: timed too
#   PALIMPSEST_CCCL                folders of CCCL's headers, with ":" between, in the place of the toolkit's: from 3.5 on the bench has
#                                  CUB's batched top-k beside ours
#   NVCC, CXX                      the compilers (nvcc, g++)
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
build=${PALIMPSEST_CUDA_BUILD:-$root/target/cuda-kernels}
architectures=${PALIMPSEST_CUDA_ARCHITECTURES:-"80 90a 100 120"}
jobs=$(nproc 2>/dev/null || echo 2)
includes="-I$root/native/include -I$here/src -I$here/test"

say() { printf '%s\n' "cuda-kernels: $*" >&2; }

newest_header() { ls -t "$root"/native/include/*.h "$here"/*/*.h "$here"/*/*.cuh | head -n 1; }

# for_each_source COMMAND SOURCE...: COMMAND SOURCE for all, a few at a time; fails if one did.
for_each_source() {
  command=$1
  shift
  rm -f "$build/failed"
  running=0
  for source in "$@"; do
    ("$command" "$source" || touch "$build/failed") &
    running=$((running + 1))
    if [ "$running" -ge "$jobs" ]; then
      wait
      running=0
    fi
  done
  wait
  [ ! -f "$build/failed" ]
}

# ---- on the host ------------------------------------------------------------------------------------------------------

# No contraction: a multiply-add is fused only where the source says so, as for the device.
host_flags="-std=c++17 -O2 -g -fPIC -ffp-contract=off -Wall -Wextra -Werror -Wno-unknown-pragmas $includes"

host_object() {
  object=$build/host/$(basename "$1").o
  if [ ! -f "$object" ] || [ "$1" -nt "$object" ] || [ "$header" -nt "$object" ]; then
    ${CXX:-g++} $host_flags -x c++ -c "$1" -o "$object.new" && mv "$object.new" "$object"
  fi
}

# For the detector (host/detector.h): the compiler calls its hooks at every access of a kernel. The tests' own references and
# the emulation itself are left alone.
watch_flags='-fsanitize=thread --param=tsan-instrument-func-entry-exit=0'
watched_object() {
  object=$build/watched/$(basename "$1").o
  watch=
  case "$1" in
    "$here"/src/* | "$here"/test/emulation_test.cu | "$here"/test/detector_test.cu | "$here"/test/fake_cublaslt.cu) watch=$watch_flags ;;
  esac
  if [ ! -f "$object" ] || [ "$1" -nt "$object" ] || [ "$header" -nt "$object" ]; then
    ${CXX:-g++} $host_flags -DPAL_DETECTOR $watch -x c++ -c "$1" -o "$object.new" && mv "$object.new" "$object"
  fi
}

# host_build FOLDER COMMAND SOURCE...: their objects, in a folder of the build.
host_build() {
  mkdir -p "$build/$1"
  header=$(newest_header)
  shift
  if ! for_each_source "$@"; then
    say "the host build failed"
    exit 1
  fi
}

host_library() {
  mkdir -p "$1"
  host_build host host_object "$here"/src/*.cu "$here"/host/*.cpp
  parts=$(for source in "$here"/src/*.cu "$here"/host/*.cpp; do printf '%s ' "$build/host/$(basename "$source").o"; done)
  ${CXX:-g++} -shared -Wl,-Bsymbolic -o "$1/libpalimpsest_cuda_emulated.so" $parts -ldl
}

# $build/watched/test: every case, watched by the detector.
host_program() {
  host_build watched watched_object "$here"/src/*.cu "$here"/test/*.cu "$here"/host/*.cpp "$here/bench/verify.cu"
  # The kernels first: where a test has an inline function of theirs too, the watched one is linked.
  watched=$(for source in "$here"/src/*.cu "$here"/test/*.cu "$here"/host/*.cpp "$here/bench/verify.cu"; do
    printf '%s ' "$build/watched/$(basename "$source").o"
  done)
  ${CXX:-g++} -Wl,--export-dynamic -o "$build/watched/test" $watched -ldl
}

# Names of functions of the test program, as the report of ptxas has them, of addresses on stdin.
names_of_addresses() { addr2line -f -e "$build/watched/test" | sed -n 's/$/|/p;n' | short_names | tr -d '|'; }

known_kernels() { sed -n 's/^| `\([^`]*\)`.*/\1/p' "$here/resources.md" | sort -u; }

# The cases for compute-sanitizer launch every kernel that there is on a device.
expect_every_kernel() {
  sed -n 's/^kernels of .*|//p' "$build"/kernels-of-part-* | sort -u | names_of_addresses | sort -u >"$build/kernels-launched"
  known_kernels >"$build/kernels-known"
  missing=$(comm -13 "$build/kernels-launched" "$build/kernels-known")
  if [ -n "$missing" ]; then
    say "kernels of resources.md that no case 'kernels of ...' launches:"
    printf '%s\n' "$missing" >&2
    exit 1
  fi
}

host_only() {
  host_program
  # Where the CPU library is built, every function is compared with its twin there.
  cpu=$root/target/native/libpalimpsest.so
  if [ -z "${PALIMPSEST_CPU_LIBRARY:-}" ] && [ -f "$cpu" ]; then
    PALIMPSEST_CPU_LIBRARY=$cpu
    export PALIMPSEST_CPU_LIBRARY
  fi
  # A process a processor, each with its share of the cases.
  parts=$jobs
  if [ "$parts" -gt 4 ]; then parts=4; fi
  rm -f "$build/failed" "$build"/kernels-of-part-*
  # Meanwhile, what a run on a GPU would do, with fake tools.
  (sh "$here/test/check_test.sh" >"$build/check_test.log" 2>&1 || touch "$build/failed") &
  part=0
  while [ "$part" -lt "$parts" ]; do
    (PALIMPSEST_KERNELS=$build/kernels-of-part-$part "$build/watched/test" --part "$part/$parts" || touch "$build/failed") &
    part=$((part + 1))
  done
  wait
  cat "$build/check_test.log"
  if [ -f "$build/failed" ]; then exit 1; fi
  # The names of its cases, and the script that drives the library there.
  for one in $sanitized_cases; do "$build/watched/test" --list "$(printf '%s' "$one" | tr _ ' ')" >/dev/null; done
  expect_every_kernel
  if command -v python3 >/dev/null 2>&1; then
    python3 -B "$here/test/mutants.py" --check
    python3 -B "$here/test/drive_test.py" "$root"/native/include/palimpsest.h "$root"/native/include/palimpsest_cuda.h
    host_library "$build"
    python3 -B "$here/test/drive.py" "$build/libpalimpsest_cuda_emulated.so" --host >"$build/drive.log" || {
      cat "$build/drive.log"
      exit 1
    }
  fi
}

# How good the cases are: faults planted in the sources, one at a time.
mutants() {
  host_program
  exec python3 -B "$here/test/mutants.py" --build "$build" --compiler "${CXX:-g++} $host_flags -DPAL_DETECTOR $watch_flags" -- "$@"
}

# ---- with nvcc --------------------------------------------------------------------------------------------------------

nvcc_flags() {
  for architecture in $architectures; do
    printf ' -gencode=arch=compute_%s,code=sm_%s' "$architecture" "$architecture"
    # 90a runs on 9.0 alone and the others on their own generation; this is for the rest (11.0, and what is to come).
    if [ "$architecture" = 80 ]; then printf ' -gencode=arch=compute_80,code=compute_80'; fi
  done
  # No contraction, so that fused and unfused kernels give the same bits; errors for warnings.
  printf ' -std=c++17 -O3 -fmad=false --expt-relaxed-constexpr --Werror=all-warnings -Xcompiler=-fPIC,-Wall,-fvisibility=hidden'
}

device_object() {
  object=$objects/$(basename "$(dirname "$1")")_$(basename "$1").o
  if [ ! -f "$object" ] || [ "$1" -nt "$object" ] || [ "$header" -nt "$object" ]; then
    if ! $nvcc $(nvcc_flags) -Xptxas=-v $includes -I"$here/bench" $cccl -c "$1" -o "$object.new" >"$object.log" 2>&1; then
      cat "$object.log" >&2
      return 1
    fi
    mv "$object.new" "$object"
  fi
}

find_nvcc() {
  for candidate in "${NVCC:-}" nvcc /usr/local/cuda/bin/nvcc; do
    if [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1; then
      nvcc=$candidate
      return 0
    fi
  done
  return 1
}

# Compiles all and links library, test and bench into $objects.
device_build() {
  cccl=
  for folder in $(printf '%s' "${PALIMPSEST_CCCL:-}" | tr ':' ' '); do cccl="$cccl -I$folder"; done
  objects=$build/$(printf 'sm_%s' "$architectures" | tr ' ' '_')
  mkdir -p "$objects"
  header=$(newest_header)
  if ! for_each_source device_object "$here"/src/*.cu "$here"/test/*.cu "$here"/bench/*.cu; then
    say "the build with nvcc failed"
    exit 1
  fi
  # The library shares the runtime with whoever else uses CUDA in the process (libtorch); the programs stand alone. Its calls
  # of its own functions stay inside, also where the process is linked with the CPU library, which has the same names.
  device_link libpalimpsest_cuda.so --cudart shared -shared -Xlinker=-Bsymbolic "$objects"/src_*.o
  device_link test --cudart static "$objects"/src_*.o "$objects"/test_*.o "$objects/bench_verify.cu.o"
  device_link bench --cudart static "$objects"/src_*.o "$objects"/bench_*.o
}

# device_link NAME ARGUMENT...: into $objects.
device_link() {
  linked=$1
  shift
  if ! $nvcc $(nvcc_flags) -o "$objects/$linked" "$@" -ldl; then
    say "$linked could not be linked"
    exit 1
  fi
}

# Names of kernels as the report has them.
short_names() {
  c++filt | sed -e 's/(anonymous namespace):://g; s/pal:://g; s/void //' \
    -e 's/([^()]*([^()]*)[^()]*)|/|/; s/([^()]*)|/|/; s/(Form)0/NT/; s/(Form)1/TN/; s/(bool)1/true/; s/(bool)0/false/; s/(int)//g'
}

# "name|threads|dynamic shared bytes" of every kernel, from the host's test program; a few templates are launched by no size there.
launches() {
  "$build/watched/test" --launches >"$build/launches-written"
  cut -d'|' -f1 "$build/launches-written" | names_of_addresses >"$build/launches-named"
  cut -d'|' -f2- "$build/launches-written" | paste -d'|' "$build/launches-named" -
}

# ptxas's report as lines "name|architecture|registers|static shared bytes|spilled bytes", one a kernel and architecture.
resources() {
  cat "$objects"/src_*.log | awk '
    /Compiling entry function/ { split($0, part, "\047"); name = part[2]; architecture = part[4] }
    /bytes spill stores/ {
      for (i = 1; i < NF; i++) if ($(i + 1) == "bytes" && $(i + 2) == "spill") spill += $i
    }
    /Used [0-9]+ registers/ {
      registers = shared = 0
      for (i = 1; i <= NF; i++) {
        if ($(i + 1) ~ /^registers/) registers = $i
        if ($(i + 2) ~ /^smem/) shared = $i
      }
      printf "%s|%s|%d|%d|%d\n", name, architecture, registers, shared, spill
      spill = 0
    }' | short_names | sort -t'|' -k1,1 -k2,2V
}

# The table, with the blocks that share a multiprocessor where $build/launches says how a kernel is launched.
resource_report() {
  printf '# Resources of the kernels\n\n'
  printf 'Written by `check.sh --compile-only --record` from the report of ptxas (%s). Threads and dynamic shared memory of a block as\n' \
    "$($nvcc --version | sed -n 's/.*release \([0-9.]*\).*/nvcc \1/p')"
  printf 'launched for d 768, M 32768, k 32, B 8192; blocks that then share a multiprocessor, and what keeps a further one out:\n'
  printf 'registers (65,536, by warps of 256), shared memory (164, 228, 228 and 100 KB, 1 of them the system'"'"'s for each block), threads (2048; 12.0: 1536) or\n'
  printf 'their number (32; 12.0: 24). Empty: launched for no such size.\n\n'
  printf '| kernel | architecture | registers | static shared bytes | spilled bytes | threads | dynamic shared bytes | blocks | limited by |\n'
  printf '|---|---|---|---|---|---|---|---|---|\n'
  resources | awk -F'|' -v launches="$build/launches" '
    BEGIN {
      while ((getline line < launches) > 0) { split(line, part, "|"); threads[part[1]] = part[2]; dynamic[part[1]] = part[3] }
      memory["sm_80"] = 164; memory["sm_90a"] = 228; memory["sm_100"] = 228; memory["sm_120"] = 100
    }
    function least(blocks, by) { if (blocks < most) { most = blocks; limit = by } }
    {
      printf "| `%s` | %s | %d | %d | %d |", $1, $2, $3, $4, $5
      if (!($1 in threads) || !($2 in memory)) { print " | | | |"; next }
      small = $2 == "sm_120"
      warps = int((threads[$1] + 31) / 32)
      rounded = int(($3 + 7) / 8) * 8
      most = small ? 24 : 32; limit = "number"
      least(int((small ? 48 : 64) / warps), "threads")
      least(int(int(16384 / (rounded * 32)) * 4 / warps), "registers")
      shared = int(($4 + dynamic[$1] + 1024 + 127) / 128) * 128
      least(int(memory[$2] * 1024 / shared), "shared memory")
      printf " %d | %d | %d | %s |\n", threads[$1], dynamic[$1], most, limit
    }'
}

# Instructions of the selection over the 128 elements that a thread has at M 32768, where there is a Python to count them: each
# loop once, all branches gone into. How often loops are gone through for k 32 is worked out in docs/gpu.md.
selection_instructions() {
  if ! command -v python3 >/dev/null 2>&1; then return; fi
  for architecture in $architectures; do
    $nvcc -std=c++17 -O3 -fmad=false --expt-relaxed-constexpr $includes -arch="sm_$architecture" -cubin -o "$build/select.cubin" \
      "$here/src/select.cu"
    python3 "$here/count_instructions.py" "$build/select.cubin" topkINS_4bf16ELi16E --per 128 |
      sed -n 's/.*executed.*, \([0-9.]*\) an element/\1/p'
  done
}

compile_only() {
  if ! find_nvcc; then
    echo "cuda-kernels: skipped: no nvcc"
    exit 0
  fi
  mkdir -p "$build"
  device_build
  if readelf -rW "$objects/libpalimpsest_cuda.so" | grep -q 'JUMP_SLOT.* pal_'; then
    say "the library calls its own functions by name: another library's could take their place"
    exit 1
  fi
  : >"$build/launches"
  if [ "${1:-}" = --record ]; then
    host_program
    launches >"$build/launches"
  fi
  resource_report >"$build/resources.md"
  kernels=$(grep -c '^| `' "$build/resources.md")
  spilled=$(awk -F'|' '/^\| `/ && $6 + 0 > most { most = $6 + 0 } END { print most + 0 }' "$build/resources.md")
  if [ "$spilled" -gt 0 ]; then
    say "a kernel spills $spilled bytes of registers; see $build/resources.md"
    exit 1
  fi
  instructions=$(selection_instructions | tr '\n' ' ')
  for one in $instructions; do
    if [ "${one%.*}" -ge 8 ]; then
      say "the selection has $one instructions an element, expected fewer than 8 (count_instructions.py)"
      exit 1
    fi
  done
  if [ "${1:-}" = --record ]; then cp "$build/resources.md" "$here/resources.md"; fi
  resources | cut -d'|' -f1 | sort -u >"$build/kernels-compiled"
  known_kernels >"$build/kernels-known"
  if ! cmp -s "$build/kernels-compiled" "$build/kernels-known"; then
    say "other kernels than in resources.md (check.sh --compile-only --record):"
    comm -3 "$build/kernels-compiled" "$build/kernels-known" >&2
    exit 1
  fi
  echo "cuda-kernels: compiled for sm $architectures; $kernels lines of resources, at most $spilled bytes spilled; selection: ${instructions:-not counted }instructions an element"
}

library() {
  if ! find_nvcc; then
    say "no nvcc: the CUDA library cannot be built"
    exit 1
  fi
  mkdir -p "$build" "$1"
  device_build
  cp "$objects/libpalimpsest_cuda.so" "$1/"
  echo "cuda-kernels: $1/libpalimpsest_cuda.so for sm $architectures"
}

# ---- on the device ------------------------------------------------------------------------------------------------------

find_cublaslt() {
  if [ -n "${PALIMPSEST_CUBLASLT:-}" ]; then return; fi
  for folder in $(printf '%s' "${LD_LIBRARY_PATH:-}" | tr ':' ' ') /usr/local/cuda/lib64 /usr/local/cuda/targets/*/lib \
    $(python3 -c 'import site, sys; print(*site.getsitepackages(), site.getusersitepackages(), *sys.path)' 2>/dev/null |
      tr ' ' '\n' | sed 's|$|/nvidia|' | while read -r base; do printf '%s ' "$base"/*/lib; done); do
    for file in "$folder"/libcublasLt.so.1[0-9] "$folder"/libcublasLt.so; do
      if [ -f "$file" ]; then
        PALIMPSEST_CUBLASLT=$file
        export PALIMPSEST_CUBLASLT
        return
      fi
    done
  done
  say "no libcublasLt found: products by our own slow kernel, the figures of encode mean little"
  lacks cuBLASLt
}

excuse=

# What is not there, told at the end.
lacks() { without="$without${without:+, }$*"; }

# Says what went wrong and goes on; the run fails at its end.
problem() {
  say "$*"
  failed=1
}

# within SECONDS NAME COMMAND...: runs it, with its output at the end of $log; too long is a failure like any other. Where it fails
# and says something that matches $excuse, $tool cannot work here: that is told, as if it were missing.
within() {
  limit=$1
  name=$2
  shift 2
  started=$(date +%s)
  if [ "$deadline" -gt 0 ]; then
    left=$((deadline - started))
    if [ "$left" -lt 5 ]; then
      problem "$name: not begun, no time is left"
      return 1
    fi
    if [ "$limit" -gt "$left" ]; then limit=$left; fi
  fi
  code=0
  # What does not end when it is told to is killed: a process may hang in the driver.
  timeout -k 5 "$limit" "$@" >"$build/part.log" 2>&1 || code=$?
  took=$(($(date +%s) - started))
  # What says the most is at the end; results are to stay small.
  { printf '\n==== %s: status %s after %s of %s s\n' "$name" "$code" "$took" "$limit"; tail -c 1000000 "$build/part.log"; } >>"$log"
  case $code in
    0) say "$name: passed in $took s" ;;
    124 | 137) problem "$name: stopped after its $limit s; see $log" ;;
    *)
      if [ -n "$excuse" ] && grep -q "$excuse" "$build/part.log"; then
        say "$name: $tool cannot work here: $(grep -m 1 "$excuse" "$build/part.log")"
        lacks "$tool (cannot work here)"
      else
        tail -n 15 "$build/part.log" >&2
        problem "$name: failed (status $code) after $took s; see $log"
      fi
      ;;
  esac
  return "$code"
}

# The cases that compute-sanitizer sees: small, since it slows them a hundredfold, and yet every kernel (expect_every_kernel).
copies_case='asynchronous_copies'
tiles_case='kernels_of_tiles'
other_cases='kernels_of_all_else'
cublaslt_case='product_best_backend'
sanitized_cases="$copies_case $tiles_case $other_cases $cublaslt_case"

# sanitize SECONDS NAME TOOL "VARIABLE=VALUE..." CASE...
sanitize() {
  limit=$1
  name=$2
  with_tool=$3
  setting=$4
  shift 4
  for one in "$@"; do
    shift
    set -- "$@" "$(printf '%s' "$one" | tr _ ' ')"
  done
  tool=compute-sanitizer
  excuse='[Dd]evice not supported'
  code=0
  within "$limit" "$name" env $setting "$sanitizer" --tool "$with_tool" --error-exitcode 9 "$objects/test" "$@" || code=$?
  excuse=
  return "$code"
}

# Races and initialisation are looked for without cuBLASLt, whose kernels are not ours. Whether racecheck follows asynchronous copies into
# shared memory is found out on a kernel that has nothing but one, waited for: where it tells of that, it says nothing about our tiles.
part_sanitize() {
  if ! sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null); then
    lacks compute-sanitizer
    return
  fi
  own=PALIMPSEST_CUBLASLT=none
  failed_before=$failed
  without_before=$without
  if sanitize 30 racecheck-copies racecheck $own $copies_case; then
    sanitize 110 racecheck racecheck $own $tiles_case $other_cases || true
  elif [ "$without" != "$without_before" ]; then
    return # not this tool on this device
  else
    failed=$failed_before
    lacks "racecheck of asynchronous copies (it does not follow them)"
    sanitize 110 racecheck racecheck $own $other_cases || true
  fi
  sanitize 80 memcheck memcheck "PALIMPSEST_CUBLASLT=${PALIMPSEST_CUBLASLT:-}" $cublaslt_case $tiles_case $other_cases || true
  sanitize 80 initcheck initcheck "$own PALIMPSEST_UNTOUCHED=1" $tiles_case $other_cases || true
}

part_test() {
  within 60 test "$objects/test" || true
  within 60 test-without-cublaslt env PALIMPSEST_CUBLASLT=none "$objects/test" || true
}

# bench SECONDS NAME ARGUMENT...: figures to $results/NAME.json, also of a run that was cut short.
bench() {
  limit=$1
  name=$2
  shift 2
  rm -f "$build/$name.json" "$results/$name.json" # of an earlier run: not to stand beside figures of this one
  within "$limit" "$name" "$objects/bench" --json "$build/$name.json" "$@" || true
  if [ -f "$build/$name.json" ] && [ "$build" != "$results" ]; then cp "$build/$name.json" "$results/"; fi
}

part_bench() {
  if ! grep -q 'cub batched topk' "$objects/bench"; then lacks "CUB's batched top-k (PALIMPSEST_CCCL)"; fi
  bench 110 bench-8192 --rows 8192
  if [ -n "${PALIMPSEST_REAL_INPUTS:-}" ]; then bench 60 bench-real --real "$PALIMPSEST_REAL_INPUTS"; fi
}
part_bench_large() { bench 180 bench-65536 --rows 65536; }

python_sees_gpu() {
  if python3 -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' >/dev/null 2>&1; then return 0; fi
  case "$without" in *PyTorch*) ;; *) lacks "PyTorch that sees the GPU" ;; esac
  return 1
}
part_drive() {
  if python_sees_gpu; then within 110 drive python3 "$here/test/drive.py" "$objects/libpalimpsest_cuda.so" --time || true; fi
}
# PyTorch's product, torch.topk and sparsify's step, beside our steps where a bench has timed them in this folder.
part_torch() {
  if ! python_sees_gpu; then return; fi
  for rows in 8192 65536; do
    if [ ! -f "$build/bench-$rows.json" ]; then bench 40 "bench-$rows" --rows "$rows" "train adam"; fi
    set -- python3 "$here/bench/torch_baseline.py" --rows "$rows" --json "$results/torch-$rows.json"
    if [ -f "$build/bench-$rows.json" ]; then set -- "$@" --ours "$build/bench-$rows.json"; fi
    rm -f "$results/torch-$rows.json"
    within 90 "torch-$rows" "$@" || true
  done
}

part_profile() {
  if ! command -v ncu >/dev/null 2>&1; then
    lacks ncu
    return
  fi
  rm -f "$results/profile.ncu-rep"
  # The clocks are left as they are, for the machine may be somebody else's.
  tool=ncu
  excuse='LibraryNotLoaded\|ERR_NVGPUCTRPERM'
  if within 100 profile ncu --clock-control none --force-overwrite --export "$results/profile" --set full --launch-count 10 \
    --kernel-name 'regex:topk|decode|score_hits|step_latents|sort_scatter' "$objects/bench" --rows 8192 "train adam"; then
    excuse=
    within 30 profile-text ncu --import "$results/profile.ncu-rep" --page details || true
  fi
  excuse=
  if [ -f "$results/profile.ncu-rep" ] && [ "$(wc -c <"$results/profile.ncu-rep")" -gt 15000000 ]; then
    say "the profile is larger than 15 MB and left out: its text is in $log"
    rm "$results/profile.ncu-rep"
  fi
}

all_parts='test bench drive bench-large torch sanitize profile'

# on_device NAME PART...: in the order of what is wanted most. Its log is $results/NAME.log.
on_device() {
  run_name=$1
  shift
  if [ $# = 0 ]; then set -- ''; fi
  for one in "$@"; do
    case " $all_parts " in
      *" $one "*) ;;
      *)
        say "no part '$one': expected one of $all_parts"
        exit 2
        ;;
    esac
  done
  if ! find_nvcc; then
    say "no nvcc"
    exit 1
  fi
  if ! nvidia-smi -L >/dev/null 2>&1; then
    say "no usable GPU (nvidia-smi -L lists none); --host-only and --compile-only need none"
    exit 3
  fi
  # This machine's architecture alone, for a short build.
  capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -n 1 | tr -d '.')
  case "$capability" in
    '' | *[!0-9]*) ;;
    90) architectures=90a ;;
    *) architectures=$capability ;;
  esac
  began=$(date +%s)
  deadline=0
  if [ "${PALIMPSEST_CUDA_SECONDS:-0}" -gt 0 ]; then deadline=$((began + PALIMPSEST_CUDA_SECONDS)); fi
  failed=0
  without=
  results=${PALIMPSEST_CUDA_RESULTS:-$build}
  mkdir -p "$build" "$results"
  log=$results/$run_name.log
  nvidia-smi >"$log" 2>&1 || true
  find_cublaslt
  device_build
  say "built in $(($(date +%s) - began)) s"
  for one in "$@"; do "part_$(printf '%s' "$one" | tr - _)"; done
  verdict=passed
  if [ -n "$without" ]; then verdict="passed, without: $without;"; fi
  if [ "$failed" != 0 ]; then verdict="FAILED${without:+, and without: $without;}"; fi
  echo "cuda-kernels: $verdict in $(($(date +%s) - began)) s; log and figures in $results" | tee -a "$log"
  if [ "$failed" = 0 ] && [ -n "$without" ] && [ "$strict" = 1 ]; then exit 4; fi
  exit "$failed"
}

# What a call of a lent machine does; each fits into 8 minutes, the build included.
call() {
  PALIMPSEST_CUDA_SECONDS=${PALIMPSEST_CUDA_SECONDS:-480}
  case "$1" in
    1) on_device call-1 test bench drive ;;
    2) on_device call-2 bench-large torch ;;
    3) on_device call-3 sanitize profile ;;
    *)
      say "--call $1: expected 1, 2 or 3"
      exit 2
      ;;
  esac
}

# --strict may stand anywhere.
strict=0
for one in "$@"; do
  shift
  if [ "$one" = --strict ]; then strict=1; else set -- "$@" "$one"; fi
done

case "${1:-}" in
  --host-only) host_only ;;
  --mutants)
    shift
    mutants "$@"
    ;;
  --host-library) host_library "${2:?the folder to put the library in}" ;;
  --compile-only) compile_only "${2:-}" ;;
  --library) library "${2:?the folder to put the library in}" ;;
  '') on_device check $all_parts ;;
  --call) call "${2:-}" ;;
  --device)
    shift
    on_device check "$@"
    ;;
  *)
    say "usage: check.sh [--strict] [--call 1|2|3 | --device PART... | --host-only | --mutants [WORD...] | --host-library DIR | --compile-only [--record] | --library DIR]"
    exit 2
    ;;
esac
