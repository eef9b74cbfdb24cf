/* sort_test.cu - the sort of slots by latent against std::stable_sort. */
#include <algorithm>
#include <numeric>

#include "reference.h"
#include "sort.h"

namespace pal::test {
namespace {

void expect_sorted(const Sparse& sparse, int64_t latents) {
  const auto slots = static_cast<int64_t>(sparse.values.size());
  Arena sizes;
  const SlotSort sized(slots, latents, sizes);
  const Workspace workspace(static_cast<int64_t>(sizes.bytes()));
  Arena arena(workspace.get());
  const SlotSort sort(slots, latents, arena);
  const Array<float> values(sparse.values);
  const Array<int32_t> indices(sparse.indices);
  PAL_OK_OR_FAULT(sort.run(values.get(), indices.get(), nullptr));
  std::vector<int32_t> place(static_cast<size_t>(slots)), offsets(static_cast<size_t>(latents) + 1);
  cudaMemcpy(place.data(), sort.place, place.size() * 4, cudaMemcpyDeviceToHost);
  cudaMemcpy(offsets.data(), sort.offsets, offsets.size() * 4, cudaMemcpyDeviceToHost);

  const auto key = [&](int64_t slot) {
    const int32_t index = sparse.indices[slot];
    return sparse.values[slot] == 0.0f || index < 0 || index >= latents ? latents : index;
  };
  std::vector<int64_t> order(static_cast<size_t>(slots));
  std::iota(order.begin(), order.end(), int64_t{0});
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return key(a) < key(b); });
  for (int64_t p = 0; p < slots; ++p) {
    expect(place[order[p]] == p, "slot %ld of latent %ld went to %d, expected %ld", long(order[p]), long(key(order[p])),
           place[order[p]], long(p));
  }
  int64_t below = 0;
  for (int64_t i = 0; i <= latents; ++i) {
    while (below < slots && key(order[below]) < i) ++below;
    expect(offsets[i] == below, "offset %d of latent %ld, expected %ld", offsets[i], long(i), long(below));
  }
}

void random_slots() {
  Random random(41);
  const int64_t shapes[][3] = {{1, 1, 1}, {3, 2, 5}, {50, 8, 255}, {50, 8, 256}, {300, 9, 257}, {700, 7, 70000}, {40, 64, 100}};
  for (const auto& shape : shapes) {
    for (const bool heavy : {false, true}) expect_sorted(random_sparse(random, shape[0], shape[1], shape[2], heavy), shape[2]);
  }
}

void one_latent_has_all() {
  Sparse sparse{std::vector<float>(5000, 1.0f), std::vector<int32_t>(5000, 299)};
  expect_sorted(sparse, 300);
  sparse.indices.assign(5000, 0);
  expect_sorted(sparse, 300);
}

void slots_that_do_not_count() {
  expect_sorted({std::vector<float>(3000, 0.0f), std::vector<int32_t>(3000, 7)}, 20);
  expect_sorted({std::vector<float>(9, 1.0f), {-1, 3, 20, 3, 1 << 30, 0, -7, 19, 3}}, 20);
  expect_sorted({{}, {}}, 20);
}

/* More than 256 tiles: the scan of a digit's counts goes round twice. */
void many_tiles() {
  Random random(42);
  Sparse sparse;
  for (int64_t slot = 0; slot < 257 * SlotSort::kTile + 100; ++slot) {
    sparse.values.push_back(random.integer(0, 9) == 0 ? 0.0f : 1.0f);
    sparse.indices.push_back(static_cast<int32_t>(random.integer(0, 199)));
  }
  expect_sorted(sparse, 200);
}

}  // namespace

std::vector<Case> sort_cases() {
  return {{"sort random slots", random_slots},
          {"sort one latent has all", one_latent_has_all},
          {"sort slots that do not count", slots_that_do_not_count},
          {"sort many tiles", many_tiles}};
}

}  // namespace pal::test
