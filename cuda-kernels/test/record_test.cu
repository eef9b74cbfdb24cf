/* record_test.cu - pal_cuda_record_batch against the same bookkeeping in plain loops. */
#include <algorithm>
#include <limits>

#include "palimpsest_cuda.h"
#include "reference.h"

namespace pal::test {
namespace {

constexpr int64_t kLength = 3;

/* Arrays of a record on the device. */
struct Record {
  Array<int64_t> counts, last, batch, progress;
  Array<double> sums;
  Array<int64_t> firings;
  pal_cuda_record view;

  Record(int64_t latents, int64_t dead_after)
      : counts(zeros(latents)), last(zeros(latents)), batch(zeros(latents)), progress(zeros(2)), sums(2 * kLength),
        firings(zeros(2 * kLength)),
        view{latents, dead_after, kLength, counts.get(), last.get(), batch.get(), progress.get(), sums.get(), firings.get()} {}

 private:
  static std::vector<int64_t> zeros(int64_t count) { return std::vector<int64_t>(static_cast<size_t>(count), 0); }
};

/* More latents than the block has threads, and fewer; some that never fire, some that fall silent; more batches than the log holds. */
void against_loops() {
  for (const int64_t latents : {5, 2500}) {
    for (const int64_t dead_after : {1, 40, 1'000'000}) {
      expect_repeatable("pal_cuda_record_batch", [&] {
        Random random(131);
        const Record record(latents, dead_after);
        std::vector<int64_t> counts(static_cast<size_t>(latents), 0), last = counts;
        int64_t seen = 0;
        std::vector<unsigned char> all;
        for (int64_t number = 0; number < 5; ++number) {
          const int64_t rows = 9 + 6 * number, k = 4, used = number < 3 ? latents : std::max<int64_t>(k, latents / 2);
          Sparse sparse = random_sparse(random, rows, k, used, false);
          sparse.values[1] = 0.0f;
          sparse.values[2] = std::numeric_limits<float>::quiet_NaN();
          const std::vector<double> sums{random.uniform(), random.uniform()};
          seen += rows;
          int64_t fired = 0, dead = 0;
          for (size_t i = 0; i < sparse.values.size(); ++i) {
            if (!(sparse.values[i] > 0.0f)) continue;
            const auto latent = static_cast<size_t>(sparse.indices[i]);
            ++counts[latent];
            ++fired;
            last[latent] = seen;
          }
          for (const int64_t then : last) dead += then <= std::max<int64_t>(0, seen - dead_after) ? 1 : 0;

          const Array<float> values(sparse.values);
          const Array<int32_t> indices(sparse.indices);
          const Array<double> batch_sums(sums);
          PAL_OK_OR_FAULT(
              pal_cuda_record_batch(&record.view, values.get(), indices.get(), rows, k, batch_sums.get(), nullptr));
          const auto place = static_cast<size_t>(2 * (number % kLength));
          const auto found_sums = record.sums.download();
          const auto firings = record.firings.download();
          expect(found_sums[place] == sums[0] && found_sums[place + 1] == sums[1], "batch %ld: other sums", long(number));
          expect(firings[place] == fired && firings[place + 1] == dead, "batch %ld: %ld fired, %ld dead, expected %ld and %ld", long(number),
                 long(firings[place]), long(firings[place + 1]), long(fired), long(dead));
          expect(record.progress.download() == std::vector<int64_t>({seen, (number + 1) % kLength}), "batch %ld: progress", long(number));
          append_bytes(all, firings);
        }
        expect(record.counts.download() == counts, "counts differ");
        expect(record.last.download() == last, "last differ");
        expect(record.batch.download() == std::vector<int64_t>(static_cast<size_t>(latents), 0), "scratch memory is not cleared");
        return all;
      });
    }
  }
}

void refused() {
  const Record record(5, 10);
  const Array<float> values(4);
  const Array<int32_t> indices(4);
  const Array<double> sums(2);
  const auto call = [&](const pal_cuda_record* to, int64_t rows) {
    return pal_cuda_record_batch(to, values.get(), indices.get(), rows, 2, sums.get(), nullptr);
  };
  pal_cuda_record none = record.view, never = record.view, without = record.view;
  none.length = 1;
  never.dead_after = 0;
  without.last = nullptr;
  expect(call(nullptr, 2) == PAL_INVALID_ARGUMENT, "no record");
  expect(call(&none, 2) == PAL_INVALID_ARGUMENT, "no room in the log");
  expect(call(&never, 2) == PAL_INVALID_ARGUMENT, "dead at once");
  expect(call(&without, 2) == PAL_INVALID_ARGUMENT, "an array that is missing");
  expect(call(&record.view, 0) == PAL_INVALID_ARGUMENT, "no rows");
}

}  // namespace

std::vector<Case> record_cases() { return {{"record against loops", against_loops}, {"record refused", refused}}; }

}  // namespace pal::test
