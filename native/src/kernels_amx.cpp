// The inner loops for processors with AMX (Sapphire Rapids and later): those of AVX-512 BF16, and their matrix unit for 16-bit
// products. Linux lends the unit's registers only to a process that has asked for them.
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <initializer_list>

#include "amx_tiles.hpp"

namespace palimpsest {
namespace {

// Tiles 0 and 1 hold sums of sixteen columns each; 2, 3 and 4 rows and columns of 16 pairs; 5, 6 and 7 those of fewer.
class HardwareTiles {
 public:
  HardwareTiles(int64_t count, int64_t rest) {
    alignas(64) Configuration c = {};
    c.palette = 1;
    for (const int tile : {0, 1, 2}) c.set(tile, count, kTilePairs);
    for (const int tile : {3, 4}) c.set(tile, kTilePairs, kTilePairs);
    if (rest > 0) {
      c.set(5, count, rest);
      for (const int tile : {6, 7}) c.set(tile, rest, kTilePairs);
    }
    _tile_loadconfig(&c);
    _tile_zero(0);
    _tile_zero(1);
  }
  ~HardwareTiles() { _tile_release(); }
  HardwareTiles(const HardwareTiles&) = delete;
  HardwareTiles& operator=(const HardwareTiles&) = delete;

  void add(const uint32_t* rows, int64_t depth, const uint32_t* columns) {
    _tile_loadd(2, rows, depth * 4);
    _tile_loadd(3, columns, kTileColumns * 4);
    _tile_loadd(4, columns + kTilePairs, kTileColumns * 4);
    _tile_dpbf16ps(0, 2, 3);
    _tile_dpbf16ps(1, 2, 4);
  }

  void add_rest(const uint32_t* rows, int64_t depth, const uint32_t* columns) {
    _tile_loadd(5, rows, depth * 4);
    _tile_loadd(6, columns, kTileColumns * 4);
    _tile_loadd(7, columns + kTilePairs, kTileColumns * 4);
    _tile_dpbf16ps(0, 5, 6);
    _tile_dpbf16ps(1, 5, 7);
  }

  void store(float* sums) {
    _tile_stored(0, sums, kTileColumns * 4);
    _tile_stored(1, sums + kTilePairs, kTileColumns * 4);
  }

 private:
  struct Configuration {
    uint8_t palette, start_row, reserved[14];
    uint16_t bytes[16]; // of a row
    uint8_t rows[16];

    void set(int tile, int64_t height, int64_t words) {
      rows[tile] = static_cast<uint8_t>(height);
      bytes[tile] = static_cast<uint16_t>(4 * words);
    }
  };
  static_assert(sizeof(Configuration) == 64);
};

} // namespace

bool amx_is_lent() {
#ifdef __linux__
  constexpr int kRequestPermission = 0x1023, kTileData = 18;
  static const bool lent = syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  return lent;
#else
  return false;
#endif
}

const Kernels& amx_kernels() {
  static const Kernels kernels = [] {
    Kernels table = avx512bf16_kernels();
    table.name = "amx";
    table.pack_pairs = pack_pair_rows;
    table.tile_pairs = tile_pair_rows<HardwareTiles>;
    return table;
  }();
  return kernels;
}

} // namespace palimpsest
