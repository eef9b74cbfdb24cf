/*
 * decode.cu - the sparse decoder, with bias, skip, and on demand the residual and the loss.
 *
 * Formula  out[r] = sum_s values[r, s] W_dec[indices[r, s]] + b_dec (+ W_skip x[r]);  slots in order, value 0 skipped.
 *          with the loss: e = out - y, grad = 2 e / sums[1], and sum e^2 by rows (pal_cuda_decode_loss).
 * Shapes   values, indices [B, k], W_dec [M, d] (the bf16 copy where there is one), out [B, d].
 * Traffic  k rows of W_dec a row of out: B 8192, k 32, d 768 in bf16 0.40 GB. The copy of W_dec, 50 MB, nearly fits the
 *          L2 of an H200: 0.08 ms at 5 TB/s. In fp32 twice that, and W_dec does not fit.
 *
 * Variants, naive to best
 *   dense product      z as B x M matrix: 1024 times the work at k 32.
 *   gather, then sum   materialises B x k x d floats (what a gather and a batched product do): 0.8 GB written and read.
 *   block a row        (the one used) k values and indices in shared memory, each thread sums its columns in registers over
 *                      the slots, four slots' 16-byte loads in flight; nothing but `out` is written.
 * The skip product runs first, into out, on the matrix unit; this kernel then adds to it.
 * Test: cases `decode` of test/; time alone: `bench decode`.
 */
#include "fvu.h"
#include "operands.h"
#include "palimpsest_cuda.h"
#include "product.h"
#include "rows.cuh"

namespace pal {
namespace {

constexpr int kSlots = 128; /* of a row, in shared memory at a time */
constexpr int kInFlight = 4;

/* What becomes of a finished sum; y NULL: it is written to out. */
struct Residual {
  const float* y;
  const double* sums; /* [2]; sums[1] is there already */
  double* row_errors; /* [B] */
};

template <class W, int V>
__global__ void __launch_bounds__(kMaxRowThreads)
    decode(const W* __restrict__ decoder, int64_t stride, const float* __restrict__ bias, bool add_to_out, int64_t width,
           bool vectors, int64_t latents, int64_t k, const float* __restrict__ values, const int32_t* __restrict__ indices,
           float* __restrict__ out, Residual residual) {
  PAL_SHARED(float, slot_value, kSlots);
  PAL_SHARED(int32_t, slot_index, kSlots);
  constexpr int kPart = V < kRowVector ? V : kRowVector; /* of the V columns, written by one store where rows are aligned */
  const double scale = residual.y == nullptr ? 0.0 : fvu_scale(residual.sums[1]);
  const int64_t r = blockIdx.x;
  float* out_row = out + r * width;
  const int64_t span = static_cast<int64_t>(blockDim.x) * V;
  double error = 0.0;

  /* All threads go round together, for the barriers; a row wider than the block takes several rounds. */
  for (int64_t first = 0; first < width; first += span) {
    const int64_t column = first + static_cast<int64_t>(threadIdx.x) * V;
    float sum[V] = {};
    for (int64_t slot0 = 0; slot0 < k; slot0 += kSlots) {
      const int count = static_cast<int>(k - slot0 < kSlots ? k - slot0 : kSlots);
      __syncthreads();
      for (int s = static_cast<int>(threadIdx.x); s < round_up(count, kInFlight); s += static_cast<int>(blockDim.x)) {
        const int32_t index = s < count ? indices[r * k + slot0 + s] : -1;
        /* An index outside [0, M) reads nothing: the device cannot answer with an error. */
        const bool inside = index >= 0 && index < latents;
        slot_index[s] = inside ? index : 0;
        slot_value[s] = inside ? values[r * k + slot0 + s] : 0.0f;
      }
      __syncthreads();
      if (column < width) {
        for (int s = 0; s < count; s += kInFlight) {
          Pack<W, V> row[kInFlight] = {};
          PAL_UNROLL
          for (int i = 0; i < kInFlight; ++i) {
            if (slot_value[s + i] != 0.0f) row[i] = Pack<W, V>::load(decoder + slot_index[s + i] * stride + column);
          }
          PAL_UNROLL
          for (int i = 0; i < kInFlight; ++i) {
            PAL_UNROLL
            for (int e = 0; e < V; ++e) sum[e] = fmaf(slot_value[s + i], to_float(row[i].element[e]), sum[e]);
          }
        }
      }
    }
    /* What becomes of the sum in one column. */
    const auto finish = [&](float of, float plus, float skip, float y) {
      float result = of + plus;
      if (add_to_out) result += skip;
      if (residual.y == nullptr) return result;
      const double difference = static_cast<double>(y) - result;
      error += difference * difference;
      return fvu_gradient(result, y, scale);
    };
    PAL_UNROLL
    for (int part = 0; part < V; part += kPart) {
      const int64_t at = column + part;
      if (at >= width) continue; /* the bf16 copy's rows are padded */
      if (vectors) {
        const auto plus = Pack<float, kPart>::load(bias + at);
        Pack<float, kPart> skip = {}, y = {}, result;
        if (add_to_out) skip = Pack<float, kPart>::load(out_row + at);
        if (residual.y != nullptr) y = Pack<float, kPart>::load(residual.y + r * width + at);
        PAL_UNROLL
        for (int e = 0; e < kPart; ++e) result.element[e] = finish(sum[part + e], plus.element[e], skip.element[e], y.element[e]);
        result.store(out_row + at);
      } else {
        PAL_UNROLL
        for (int e = 0; e < kPart; ++e) {
          if (at + e >= width) continue;
          const float y = residual.y == nullptr ? 0.0f : residual.y[r * width + at + e];
          out_row[at + e] = finish(sum[part + e], bias[at + e], add_to_out ? out_row[at + e] : 0.0f, y);
        }
      }
    }
  }
  if (residual.y != nullptr) {
    error = block_sum(error);
    if (threadIdx.x == 0) residual.row_errors[r] = error;
  }
}

template <class W, int V>
pal_status launch_decode(const pal_coder& coder, const W* decoder, int64_t stride, bool add_to_out, int64_t rows, int64_t k,
                         const float* values, const int32_t* indices, float* out, const Residual& residual,
                         cudaStream_t stream) {
  return launch("decode", &decode<W, V>, dim3(static_cast<unsigned>(rows)), row_threads(coder.width, V), 0, stream, decoder,
                stride, coder.decoder_bias, add_to_out, coder.width, rows_are_vectors(coder.width, coder.decoder_bias, out, residual.y),
                coder.latents, k, values, indices, out, residual);
}

pal_status run_decode(const pal_coder& coder, const float* x, int64_t rows, int64_t k, const float* values,
                      const int32_t* indices, float* out, const Residual& residual, void* product_workspace,
                      cudaStream_t stream) {
  const int64_t d = coder.width;
  const bool skip = coder.skip != nullptr && x != nullptr;
  if (skip) {
    const ProductShape shape{Form::NT, rows, d, d, d, d, d};
    PAL_TRY(product(shape, float_arithmetic(coder.operands != nullptr, false), x, coder.skip, nullptr, out, false,
                    product_workspace, stream));
  }
  if (coder.operands != nullptr) {
    const Operands operands(coder);
    return launch_decode<bf16, 8>(coder, operands.decoder, operands.stride, skip, rows, k, values, indices, out, residual,
                                  stream);
  }
  return rows_are_vectors(d, coder.decoder)
             ? launch_decode<float, 4>(coder, coder.decoder, d, skip, rows, k, values, indices, out, residual, stream)
             : launch_decode<float, 1>(coder, coder.decoder, d, skip, rows, k, values, indices, out, residual, stream);
}

struct Workspace {
  void* product;
  double* row_errors;
  void* fvu;
  size_t fvu_bytes;
  size_t bytes;

  Workspace(int64_t width, int64_t rows, bool with_loss, void* memory) : row_errors(nullptr), fvu(nullptr), fvu_bytes(0) {
    Arena arena(memory);
    product = arena.take<unsigned char>(static_cast<int64_t>(product_workspace_bytes()));
    if (with_loss) {
      row_errors = arena.take<double>(rows);
      fvu_bytes = pal_fvu_workspace_bytes(width, rows);
      fvu = arena.take<unsigned char>(static_cast<int64_t>(fvu_bytes));
    }
    bytes = arena.bytes();
  }
};

void prepare_skip(int64_t width, int64_t rows) {
  prepare_product({Form::NT, rows, width, width, width, width, width}, false, float_arithmetic(true, false), false);
  prepare_product({Form::NT, rows, width, width, width, width, width}, false, float_arithmetic(false, false), false);
}

pal_status check_decode(const char* function, const pal_coder* coder, int64_t rows, int64_t k, const float* values,
                        const int32_t* indices, const float* out, const void* workspace, size_t workspace_bytes,
                        size_t needed) {
  PAL_REQUIRE(coder->decoder != nullptr && coder->decoder_bias != nullptr, "%s: decoder or decoder_bias is NULL", function);
  PAL_REQUIRE(rows >= 0 && rows < (int64_t{1} << 31), "%s: rows %lld, expected 0 .. 2^31 - 1", function, static_cast<long long>(rows));
  PAL_REQUIRE(k >= 1, "%s: k %lld, expected 1 or more", function, static_cast<long long>(k));
  if (rows == 0) return PAL_OK;
  PAL_REQUIRE(values != nullptr && indices != nullptr && out != nullptr, "%s: values, indices or the output is NULL", function);
  PAL_REQUIRE(needed == 0 || (workspace != nullptr && workspace_bytes >= needed), "%s: workspace of %zu bytes, expected %zu",
              function, workspace_bytes, needed);
  PAL_REQUIRE(is_aligned(workspace, kAlignment), "%s: workspace is not aligned to %zu bytes", function, kAlignment);
  return PAL_OK;
}

}  // namespace
}  // namespace pal

extern "C" {

size_t pal_decode_workspace_bytes(int64_t width, int64_t, int64_t rows, int64_t) {
  if (width <= 0 || rows < 0) return 0;
  pal::prepare_skip(width, rows);
  return pal::Workspace(width, rows, false, nullptr).bytes;
}

pal_status pal_decode(const pal_coder* coder, const float* x, int64_t rows, int64_t k, const float* values,
                      const int32_t* indices, float* out, void* workspace, size_t workspace_bytes, pal_stream stream) {
  PAL_TRY(pal::check_coder(coder, "pal_decode"));
  /* Scratch memory is for the skip product alone. */
  const bool skip = coder->skip != nullptr && x != nullptr;
  const size_t needed = !skip ? 0 : pal_decode_workspace_bytes(coder->width, coder->latents, rows, k);
  PAL_TRY(pal::check_decode("pal_decode", coder, rows, k, values, indices, out, workspace, workspace_bytes, needed));
  if (rows == 0) return PAL_OK;
  const pal::Workspace parts(coder->width, rows, false, workspace);
  return pal::run_decode(*coder, x, rows, k, values, indices, out, {nullptr, nullptr, nullptr}, parts.product,
                         pal::as_stream(stream));
}

size_t pal_cuda_decode_loss_workspace_bytes(int64_t width, int64_t, int64_t rows, int64_t) {
  if (width <= 0 || rows < 0) return 0;
  pal::prepare_skip(width, rows);
  return pal::Workspace(width, rows, true, nullptr).bytes;
}

pal_status pal_cuda_decode_loss(const pal_coder* coder, const float* x, const float* y, int64_t rows, int64_t k,
                                const float* values, const int32_t* indices, float* grad, double* sums, void* workspace,
                                size_t workspace_bytes, pal_stream stream) {
  constexpr const char* kName = "pal_cuda_decode_loss";
  PAL_TRY(pal::check_coder(coder, kName));
  const size_t needed = pal_cuda_decode_loss_workspace_bytes(coder->width, coder->latents, rows, k);
  PAL_TRY(pal::check_decode(kName, coder, rows, k, values, indices, grad, workspace, workspace_bytes, needed));
  PAL_REQUIRE(sums != nullptr && (rows == 0 || y != nullptr), "%s: y or sums is NULL", kName);
  const cudaStream_t s = pal::as_stream(stream);
  if (rows == 0) return pal::check_cuda(cudaMemsetAsync(sums, 0, 2 * sizeof(double), s), kName);
  const pal::Workspace parts(coder->width, rows, true, workspace);
  PAL_TRY(pal::fvu_variance(y, rows, coder->width, sums, parts.fvu, s));
  PAL_TRY(pal::run_decode(*coder, x, rows, k, values, indices, grad, {y, sums, parts.row_errors}, parts.product, s));
  return pal::fvu_error_of_rows(parts.row_errors, rows, sums, parts.fvu, s);
}

}  // extern "C"
