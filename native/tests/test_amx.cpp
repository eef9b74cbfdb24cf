// The 16-bit product by tiles, over a matrix unit that follows the description of TDPBF16PS in Intel's manual (volume 2), in
// double precision. On a processor that has the unit, its result too.
#include <cfloat>
#include <stdexcept>

#include "amx_tiles.hpp"
#include "check.hpp"
#include "palimpsest_cpu.h"
#include "reference.hpp"

using namespace palimpsest;
using namespace reference;

namespace {

float flushed(float v) { return std::fabs(v) < FLT_MIN ? std::copysign(0.0f, v) : v; }

struct Tile {
  int64_t rows = 0, words = 0;
  uint32_t at[16][16] = {};

  Tile(int64_t r, int64_t w) : rows(r), words(w) {
    if (rows < 0 || rows > 16 || words < 0 || words > 16) throw std::logic_error("no such tile");
  }
  void load(const uint32_t* from, int64_t stride) {
    for (int64_t r = 0; r < rows; ++r) std::memcpy(at[r], from + r * stride, 4 * static_cast<size_t>(words));
  }
};

class EmulatedTiles {
 public:
  EmulatedTiles(int64_t count, int64_t rest)
      : sums_{Tile(count, kTilePairs), Tile(count, kTilePairs)}, rows_(count, kTilePairs), columns_(kTilePairs, kTilePairs),
        rest_rows_(count, rest), rest_columns_(rest, kTilePairs) {}

  void add(const uint32_t* rows, int64_t depth, const uint32_t* columns) { add(rows_, columns_, rows, depth, columns); }
  void add_rest(const uint32_t* rows, int64_t depth, const uint32_t* columns) {
    add(rest_rows_, rest_columns_, rows, depth, columns);
  }
  void store(float* sums) {
    for (int half = 0; half < 2; ++half) {
      for (int64_t r = 0; r < sums_[half].rows; ++r) {
        std::memcpy(sums + r * kTileColumns + half * kTilePairs, sums_[half].at[r], 64);
      }
    }
  }

 private:
  void add(Tile& a, Tile& b, const uint32_t* rows, int64_t depth, const uint32_t* columns) {
    a.load(rows, depth);
    for (int half = 0; half < 2; ++half) {
      b.load(columns + half * kTilePairs, kTileColumns);
      if (a.words != b.rows || a.rows != sums_[half].rows) throw std::logic_error("tiles that do not fit");
      multiply(sums_[half], a, b);
    }
  }

  static void multiply(Tile& c, const Tile& a, const Tile& b) {
    for (int64_t m = 0; m < c.rows; ++m) {
      for (int64_t n = 0; n < c.words; ++n) {
        float low = 0.0f, high = 0.0f;
        for (int64_t k = 0; k < a.words; ++k) {
          low = step(low, a.at[m][k] << 16, b.at[k][n] << 16);
          high = step(high, a.at[m][k] & 0xffff0000u, b.at[k][n] & 0xffff0000u);
        }
        c.at[m][n] = bits_of(flushed(float_of(c.at[m][n]) + flushed(low + high)));
      }
    }
  }

  static float step(float sum, uint32_t a, uint32_t b) {
    return flushed(std::fma(flushed(float_of(a)), flushed(float_of(b)), sum));
  }

  Tile sums_[2];
  Tile rows_, columns_, rest_rows_, rest_columns_;
};

float rounded(float v) { return float_of(rounded_bits(bits_of(v))); }

// Rows and columns as a tile gets them, guarded by what must not be read.
struct Problem {
  int64_t count, in;
  Floats x, weight, bias;
  std::vector<uint32_t> rows, columns;

  Problem(std::mt19937_64& random, int64_t n, int64_t depth_in)
      : count(n), in(depth_in), x(heavy_tailed(random, n, depth_in)), weight(heavy_tailed(random, kTileColumns, depth_in)),
        bias(heavy_tailed(random, 1, kTileColumns)) {
    pack();
  }

  int64_t depth() const { return (in + 1) / 2; }

  void pack() {
    std::vector<const float*> at;
    for (int64_t i = 0; i < count; ++i) at.push_back(x.data() + i * in);
    rows.assign(static_cast<size_t>(count * depth()), 0);
    pack_pair_rows(at.data(), count, in, rows.data());
    columns.assign(static_cast<size_t>(depth() * kTileColumns), 0);
    for (int64_t j = 0; j < kTileColumns; ++j) {
      for (int64_t p = 0; p < depth(); ++p) {
        const float second = 2 * p + 1 < in ? weight[j * in + 2 * p + 1] : 0.0f;
        columns[p * kTileColumns + j] = pair_of(bits_of(weight[j * in + 2 * p]), bits_of(second));
      }
    }
  }

  template <class Tiles>
  Floats product(const float* given, int64_t stride) const {
    Floats out(static_cast<size_t>(count * stride), 7.0f);
    tile_pair_rows<Tiles>(rows.data(), count, columns.data(), depth(), given, out.data(), stride);
    return out;
  }
};

void check_shape(std::mt19937_64& random, int64_t count, int64_t in, bool with_bias) {
  test::context = std::to_string(count) + " rows of " + std::to_string(in);
  const Problem problem(random, count, in);
  const float* given = with_bias ? problem.bias.data() : nullptr;
  const int64_t stride = kTileColumns + 3;
  const Floats out = problem.product<EmulatedTiles>(given, stride);
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t j = 0; j < kTileColumns; ++j) {
      double exact = with_bias ? problem.bias[j] : 0.0, magnitude = std::fabs(exact);
      for (int64_t c = 0; c < in; ++c) {
        const double product = double{rounded(problem.x[i * in + c])} * double{rounded(problem.weight[j * in + c])};
        exact += product;
        magnitude += std::fabs(product);
      }
      CHECK_NEAR(out[i * stride + j], exact, 6e-8 * static_cast<double>(in + 3) * magnitude);
    }
    for (int64_t j = kTileColumns; j < stride; ++j) CHECK(out[i * stride + j] == 7.0f);
  }
  // A row's bits are its own.
  Problem last = problem;
  last.count = 1;
  last.x.assign(problem.x.end() - in, problem.x.end());
  last.pack();
  const Floats alone = last.product<EmulatedTiles>(given, kTileColumns);
  CHECK(test::same_bits(alone, Floats(out.end() - stride, out.end() - 3)));
}

void what_is_not_finite_stays_in_its_row(std::mt19937_64& random) {
  test::context = "not finite";
  Problem problem(random, 5, 75);
  const Floats sound = problem.product<EmulatedTiles>(nullptr, kTileColumns);
  problem.x[1 * 75 + 74] = INFINITY;
  problem.x[3 * 75 + 2] = NAN;
  problem.pack();
  const Floats out = problem.product<EmulatedTiles>(nullptr, kTileColumns);
  for (int64_t i = 0; i < 5 * kTileColumns; ++i) {
    const bool broken = i / kTileColumns == 1 || i / kTileColumns == 3;
    CHECK(broken ? !std::isfinite(out[i]) : std::memcmp(&out[i], &sound[i], sizeof out[i]) == 0);
  }
}

// Where the processor has the unit, the library's own product by it has the emulation's bits.
void the_processor_agrees(std::mt19937_64& random) {
  test::context = "the processor's own unit";
  if (pal_set_instruction_set("amx") != PAL_OK) {
    std::printf("%s\n", pal_last_error());
    return;
  }
  for (const int64_t in : {int64_t{1}, int64_t{31}, int64_t{64}, int64_t{77}}) {
    const Problem problem(random, kTileRows, in);
    std::vector<uint32_t> packed(pal_cpu_packed_bytes(PAL_CPU_BF16, in, kTileColumns) / 4);
    CHECK_OK(pal_cpu_pack(PAL_CPU_BF16, problem.weight.data(), PAL_CPU_FP32, in, kTileColumns, 1, in, packed.data()));
    Floats y(static_cast<size_t>(kTileRows * kTileColumns));
    const Scratch scratch(pal_cpu_linear_workspace_bytes(PAL_CPU_BF16, kTileRows, in));
    CHECK_OK(pal_cpu_linear(PAL_CPU_BF16, packed.data(), problem.bias.data(), problem.x.data(), kTileRows, in, kTileColumns,
                            y.data(), scratch.get(), scratch.bytes()));
    CHECK(test::same_bits(y, problem.product<EmulatedTiles>(problem.bias.data(), kTileColumns)));
  }
  pal_set_instruction_set("");
}

} // namespace

int main() {
  const unsigned seed = 20261128;
  std::printf("seed %u\n", seed);
  std::mt19937_64 random(seed);
  for (const int64_t count : {int64_t{1}, int64_t{5}, kTileRows}) {
    for (const int64_t in : {int64_t{1}, int64_t{2}, int64_t{31}, int64_t{32}, int64_t{33}, int64_t{64}, int64_t{301}}) {
      for (const bool bias : {false, true}) check_shape(random, count, in, bias);
    }
  }
  what_is_not_finite_stays_in_its_row(random);
  the_processor_agrees(random);
  return test::verdict("amx");
}
