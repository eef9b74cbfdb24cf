#!/bin/sh
# Builds, tests and times the CUDA kernels. Needs nvcc and g++ alone; libcublasLt is looked for at run time.
#
#   check.sh                  on a GPU, in this order and each with its own time: build; the test with and without cuBLASLt; cases
#                             of it under racecheck, memcheck and initcheck; the bench at B 8192 and 65,536; PyTorch beside it, and
#                             our library within its process; a profile of five kernels. Goes on after a failure (too long is one),
#                             so that one call shows all; exit 0 if all pass, 1 if not, 3 without a GPU. About 20 minutes at most
#   check.sh --device PART... only these parts of it: test, sanitize, bench, torch, profile
#   check.sh --host-only      every kernel emulated on the host against the double-precision reference, a race detector beside
#                             every case (host/detector.h); needs g++ alone
#   check.sh --host-library DIR  the emulated kernels as libpalimpsest_cuda_emulated.so, with the same functions; g++ alone
#   check.sh --compile-only   everything with nvcc for every architecture, and the resource report; exit 0 and a visible
#                             "skipped" without nvcc. With --record the report goes to cuda-kernels/resources.md
#   check.sh --library DIR    libpalimpsest_cuda.so for every architecture, into DIR; needs nvcc
#
# Quiet unless something fails; ends with one summary line. Environment:
#   PALIMPSEST_CUDA_BUILD          where to build (target/cuda-kernels)
#   PALIMPSEST_CUDA_RESULTS        where figures and logs of a run on a GPU go (the build folder)
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
watched_object() {
  object=$build/watched/$(basename "$1").o
  watch=
  case "$1" in
    "$here"/src/* | "$here"/test/emulation_test.cu | "$here"/test/detector_test.cu | "$here"/test/fake_cublaslt.cu)
      watch='-fsanitize=thread --param=tsan-instrument-func-entry-exit=0'
      ;;
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
  rm -f "$build/failed"
  part=0
  while [ "$part" -lt "$parts" ]; do
    ("$build/watched/test" --part "$part/$parts" || touch "$build/failed") &
    part=$((part + 1))
  done
  wait
  if [ -f "$build/failed" ]; then exit 1; fi
  # What a run on a GPU would do: the names of its cases, its parts, the script that drives the library.
  for one in $sanitized_cases; do "$build/watched/test" --list "$(printf '%s' "$one" | tr _ ' ')" >/dev/null; done
  sh "$here/test/check_test.sh"
  if command -v python3 >/dev/null 2>&1; then
    python3 -B "$here/test/drive_test.py" "$root"/native/include/palimpsest.h "$root"/native/include/palimpsest_cuda.h
    host_library "$build"
    python3 -B "$here/test/drive.py" "$build/libpalimpsest_cuda_emulated.so" --host >"$build/drive.log" || {
      cat "$build/drive.log"
      exit 1
    }
  fi
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
  "$build/watched/test" --launches | while IFS='|' read -r address threads shared; do
    printf '%s|%s|%s\n' "$(addr2line -f -e "$build/watched/test" "$address" | head -n 1)" "$threads" "$shared"
  done | short_names
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
}

# Says what went wrong and goes on; the run fails at its end.
problem() {
  say "$*"
  failed=1
}

# within SECONDS NAME COMMAND...: runs it with its output in $results/NAME.log; too long is a failure like any other.
within() {
  limit=$1
  name=$2
  shift 2
  started=$(date +%s)
  code=0
  # What does not end when it is told to is killed: a process may hang in the driver.
  timeout -k 5 "$limit" "$@" >"$results/$name.log" 2>&1 || code=$?
  took=$(($(date +%s) - started))
  case $code in
    0) say "$name: passed in $took s" ;;
    124 | 137) problem "$name: stopped after its $limit s; see $results/$name.log" ;;
    *)
      tail -n 15 "$results/$name.log" >&2
      problem "$name: failed (status $code) after $took s; see $results/$name.log"
      ;;
  esac
}

# The cases that each sanitizer sees: one of every kernel, small, since it slows them a hundredfold.
sanitized_cases='sort_random record_against decode_against backward_repeatable step_repeatable fvu_against encode_special fused_encode_special update_rows'

# Races and initialisation are looked for without cuBLASLt: its kernels are not ours, and their asynchronous copies, which
# racecheck does not follow, look like races.
sanitize() { # tool seconds [VARIABLE=VALUE]
  tool=$1
  limit=$2
  with=${3:-PALIMPSEST_CUBLASLT=${PALIMPSEST_CUBLASLT:-}}
  set -- $(printf '%s' "$sanitized_cases")
  for one in "$@"; do
    shift
    set -- "$@" "$(printf '%s' "$one" | tr _ ' ')"
  done
  within "$limit" "$tool" env "$with" "$sanitizer" --tool "$tool" --error-exitcode 9 "$objects/test" "$@"
}

# In the order of what is wanted most, each part with its own time. A part: build (always), test, sanitize, bench, torch, profile.
on_device() {
  for one in "$@"; do
    case "$one" in
      test | sanitize | bench | torch | profile) ;;
      *)
        say "no part '$one': expected test, sanitize, bench, torch or profile"
        exit 2
        ;;
    esac
  done
  wanted=${*:-test sanitize bench torch profile}
  wants() { case " $wanted " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }
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
  failed=0
  results=${PALIMPSEST_CUDA_RESULTS:-$build}
  mkdir -p "$build" "$results"
  find_cublaslt
  device_build
  say "built in $(($(date +%s) - began)) s"
  if wants test; then
    within 90 test "$objects/test"
    within 90 test-without-cublaslt env PALIMPSEST_CUBLASLT=none "$objects/test"
  fi
  if wants sanitize; then
    if sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null); then
      sanitize racecheck 150 PALIMPSEST_CUBLASLT=none
      sanitize memcheck 120
      sanitize initcheck 120 PALIMPSEST_CUBLASLT=none
    else
      say "compute-sanitizer is not installed"
    fi
  fi
  if wants bench; then
    rm -f "$results"/bench-*.json # of an earlier run: not to stand beside figures of this one
    within 120 bench-8192 "$objects/bench" --rows 8192 --json "$results/bench-8192.json"
    within 240 bench-65536 "$objects/bench" --rows 65536 --json "$results/bench-65536.json"
    if [ -n "${PALIMPSEST_REAL_INPUTS:-}" ]; then
      within 60 bench-real "$objects/bench" --real "$PALIMPSEST_REAL_INPUTS" --json "$results/bench-real.json"
    fi
  fi
  # PyTorch beside it, where there is one: its product, torch.topk and sparsify's step; and our library driven from its process.
  if wants torch; then
    if python3 -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' >/dev/null 2>&1; then
      within 120 drive python3 "$here/test/drive.py" "$objects/libpalimpsest_cuda.so" --time
      for rows in 8192 65536; do
        if [ -f "$results/bench-$rows.json" ]; then
          within 100 "torch-$rows" python3 "$here/bench/torch_baseline.py" --rows "$rows" --json "$results/torch-$rows.json" \
            --ours "$results/bench-$rows.json"
        fi
      done
    else
      say "no PyTorch that sees the GPU"
    fi
  fi
  if wants profile; then
    if command -v ncu >/dev/null 2>&1; then
      within 150 profile ncu --force-overwrite --export "$results/profile" --set full --launch-count 10 \
        --kernel-name 'regex:topk|decode|score_hits|step_latents|sort_scatter' "$objects/bench" --rows 8192 "train adam"
    else
      say "ncu is not installed"
    fi
  fi
  echo "cuda-kernels: $(if [ "$failed" = 0 ]; then echo passed; else echo FAILED; fi) in $(($(date +%s) - began)) s; logs and figures in $results"
  exit "$failed"
}

case "${1:-}" in
  --host-only) host_only ;;
  --host-library) host_library "${2:?the folder to put the library in}" ;;
  --compile-only) compile_only "${2:-}" ;;
  --library) library "${2:?the folder to put the library in}" ;;
  '') on_device ;;
  --device)
    shift
    on_device "$@"
    ;;
  *)
    say "usage: check.sh [--host-only | --host-library DIR | --compile-only [--record] | --library DIR | --device [PART...]]"
    exit 2
    ;;
esac
