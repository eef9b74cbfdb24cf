/*
 * encode.cu - the sparse encoder. E0: product into a buffer of pre-activations, chunk of rows by chunk, and exact selection.
 *             E2, on demand (pal_cuda_set_encode): both fused, fused.cu.
 *
 * Formula  a = relu(W_enc (x - c) + b_enc); values, indices = the k largest of each row (or of each group).
 * Shapes   x [B, d], W_enc [M, d], b_enc [M], c [d]; values, indices [B, k].
 * Precision  with operands: x - c, W_enc and b_enc in bf16, sums in fp32, pre-activations rounded to bf16 once.
 *            without: everything in fp32 (or tf32 products, pal_cuda_set_tf32).
 * Traffic  a chunk of n rows: W_enc 2 M d bytes, x 6 n d, pre-activations 2 n M written and 2 n M read. At d 768, M 32768,
 *          B 8192: product 412 GFLOP, 0.52 ms at 790 TFLOP/s; writing and reading back 1.07 GB, 0.25 ms at 4.3 TB/s, of
 *          which the writing hides behind the product. Predicted 0.70 ms, 1.3 times the product.
 *
 * Variants, naive to best
 *   eager     product to fp32, bias, relu, topk as separate passes over B x M floats: 4 GB and more a batch of 8192.
 *   E0        (this file) bf16 buffer of at most 512 MB, bias in the product's epilogue, relu folded into the selection, one
 *             reading pass. With a chunk that stays in L2 (pal_cuda_set_chunk_bytes) not even that touches memory.
 *             The selection of a chunk may run beside the product of the next (pal_cuda_set_overlap), on a stream of its own and
 *             from the other of two buffers: it waits for memory, the product for the matrix unit. But the fastest products take all
 *             registers of a multiprocessor, so what is gained is their last wave. Off until timed.
 *   E1        group maxima in the product's epilogue: every group that gave one must be computed again. Not written.
 *   E2        (fused.cu) each group's best four in the product's epilogue, certified: no buffer of pre-activations. Not the
 *             default, since only a measurement can tell whether our own product is fast enough.
 * Test: cases `encode` of test/; time alone: `bench encode`.
 */
#include <algorithm>
#include <cstring>

#include "fused.h"
#include "operands.h"
#include "palimpsest_cuda.h"
#include "product.h"
#include "select.h"
#include "side_stream.h"

namespace pal {
namespace {

constexpr int64_t kMostChunkBytes = int64_t{512} << 20;
/* In fp32, and of what E2 keeps, less is enough: a product of some hundred rows is long. */
constexpr int64_t kMostOtherBytes = int64_t{64} << 20;
/* A chunk of full product tiles. */
constexpr int64_t kChunkRows = 256;

int64_t chunk_bytes = kMostChunkBytes;
bool fused_wanted = false;
bool overlap_wanted = false;

bool uses_fused(int64_t latents, int64_t k, pal_activation activation) {
  return fused_wanted && activation == PAL_TOPK && k <= kFusedMostK && latents <= kFusedMostLatents;
}

/* Rows of a buffer of at most `most` bytes. */
int64_t rows_of_chunk(int64_t most, int64_t row_bytes, int64_t batch) {
  int64_t rows = most / row_bytes;
  if (rows > kChunkRows) rows = rows / kChunkRows * kChunkRows;
  return std::clamp<int64_t>(rows, 1, std::max<int64_t>(batch, 1));
}

constexpr int kThreads = 256;

/* out[r, c] = x[r, c] - centre[c], for the fp32 path of coders with a centre. */
__global__ void __launch_bounds__(kThreads)
    subtract_centre(const float* __restrict__ x, const float* __restrict__ centre, int64_t elements, int64_t width,
                    float* __restrict__ out) {
  const int64_t at = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (at < elements) out[at] = x[at] - centre[at % width];
}

/* Zeros in the columns from `latents` to the end of each row: the product leaves them alone, the selection reads them. */
template <class T>
__global__ void __launch_bounds__(kThreads) clear_padding(T* activations, int64_t stride, int64_t latents, int64_t rows) {
  const int64_t columns = stride - latents;
  const int64_t at = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (at < rows * columns) activations[at / columns * stride + latents + at % columns] = from_float<T>(0.0f);
}

template <class T>
struct Chunk {
  T* input = nullptr;       /* [chunk rows, input stride]; NULL where x itself is the input */
  T* activations[2] = {};   /* [chunk rows, activation stride] each; the second one to fill while the first is being selected from */
  void* product = nullptr;
  int64_t rows = 0;
  int buffers = 1;
  int64_t input_stride = 0;
  int64_t activation_stride = 0;
  size_t bytes = 0;

  Chunk(int64_t width, int64_t latents, int64_t batch, bool copies_input, void* memory) {
    constexpr int64_t kElements = 16 / sizeof(T);
    input_stride = sizeof(T) == sizeof(bf16) ? bf16_stride(width) : width;
    activation_stride = round_up<int64_t>(latents, kElements);
    const int64_t most = sizeof(T) == sizeof(bf16) ? chunk_bytes : std::min(chunk_bytes, kMostOtherBytes);
    /* Half the memory for each of two buffers, and at least two chunks to overlap. */
    buffers = overlap_wanted && sizeof(T) == sizeof(bf16) && batch >= 2 * kChunkRows ? 2 : 1;
    rows = rows_of_chunk(most / buffers, activation_stride * static_cast<int64_t>(sizeof(T)), ceil_divide<int64_t>(batch, buffers));
    Arena arena(memory);
    if (copies_input) input = arena.take<T>(rows * input_stride);
    for (int i = 0; i < buffers; ++i) activations[i] = arena.take<T>(rows * activation_stride);
    product = arena.take<unsigned char>(static_cast<int64_t>(product_workspace_bytes()));
    bytes = arena.bytes();
  }

  pal_status clear(int64_t latents, cudaStream_t stream) const {
    const int64_t elements = rows * (activation_stride - latents);
    if (elements == 0) return PAL_OK;
    for (int i = 0; i < buffers; ++i) {
      PAL_TRY(launch("clear_padding", &clear_padding<T>, dim3(static_cast<unsigned>(ceil_divide<int64_t>(elements, kThreads))), kThreads, 0,
                     stream, activations[i], activation_stride, latents, rows));
    }
    return PAL_OK;
  }

  ProductShape shape(int64_t width, int64_t latents, int64_t n) const {
    const int64_t inner = sizeof(T) == sizeof(bf16) ? input_stride : width;
    return {Form::NT, n, latents, inner, input_stride, input_stride, activation_stride};
  }
};

struct FusedChunk {
  bf16* input; /* [chunk rows, input stride] */
  unsigned char* kept;
  int64_t input_stride;
  int64_t rows;
  size_t bytes;

  FusedChunk(int64_t width, int64_t latents, int64_t batch, void* memory)
      : input_stride(bf16_stride(width)),
        rows(rows_of_chunk(std::min(chunk_bytes, kMostOtherBytes), fused_row_bytes(latents), batch)) {
    Arena arena(memory);
    input = arena.take<bf16>(rows * input_stride);
    kept = arena.take<unsigned char>(rows * fused_row_bytes(latents));
    bytes = arena.bytes();
  }
};

template <class T>
pal_status select(const Chunk<T>& chunk, int buffer, const pal_coder& coder, int64_t n, int64_t k, pal_activation activation,
                  float* values, int32_t* indices, cudaStream_t stream) {
  return activation == PAL_GROUPMAX ? select_groupmax(chunk.activations[buffer], chunk.activation_stride, coder.latents, n, k,
                                                      values, indices, stream)
                                    : select_topk(chunk.activations[buffer], chunk.activation_stride, coder.latents, n, k, values,
                                                  indices, stream);
}

pal_status encode_bf16(const pal_coder& coder, const float* x, int64_t rows, int64_t k, pal_activation activation,
                       float* values, int32_t* indices, void* workspace, cudaStream_t stream) {
  const Operands operands(coder);
  const Chunk<bf16> chunk(coder.width, coder.latents, rows, true, workspace);
  const float* centre = coder.subtract_decoder_bias ? coder.decoder_bias : nullptr;
  PAL_TRY(chunk.clear(coder.latents, stream));
  const SideStream* side = nullptr;
  if (chunk.buffers == 2) PAL_TRY(side_stream(stream, &side));
  const cudaStream_t selecting = side == nullptr ? stream : side->stream;
  int64_t number = 0;
  for (int64_t first = 0; first < rows; first += chunk.rows, ++number) {
    const int64_t n = std::min(chunk.rows, rows - first);
    const int buffer = static_cast<int>(number % chunk.buffers);
    if (number >= 2 && side != nullptr) {
      PAL_TRY(check_cuda(cudaStreamWaitEvent(stream, side->free[buffer], 0), "cudaStreamWaitEvent"));
    }
    PAL_TRY(convert_to_bf16(x + first * coder.width, centre, n, coder.width, chunk.input_stride, chunk.input, stream));
    PAL_TRY(product(chunk.shape(coder.width, coder.latents, n), chunk.input, operands.encoder, operands.encoder_bias,
                    chunk.activations[buffer], chunk.product, stream));
    if (side != nullptr) PAL_TRY(queue_after(stream, side->filled[buffer], selecting));
    PAL_TRY(select(chunk, buffer, coder, n, k, activation, values + first * k, indices + first * k, selecting));
    if (side != nullptr) PAL_TRY(check_cuda(cudaEventRecord(side->free[buffer], selecting), "cudaEventRecord"));
  }
  if (side == nullptr) return PAL_OK;
  return check_cuda(cudaStreamWaitEvent(stream, side->free[(number - 1) % 2], 0), "cudaStreamWaitEvent"); /* and so for all before it */
}

pal_status encode_by_groups(const pal_coder& coder, const float* x, int64_t rows, int64_t k, float* values, int32_t* indices,
                            void* workspace, cudaStream_t stream) {
  const Operands operands(coder);
  const FusedChunk chunk(coder.width, coder.latents, rows, workspace);
  const float* centre = coder.subtract_decoder_bias ? coder.decoder_bias : nullptr;
  for (int64_t first = 0; first < rows; first += chunk.rows) {
    const int64_t n = std::min(chunk.rows, rows - first);
    PAL_TRY(convert_to_bf16(x + first * coder.width, centre, n, coder.width, chunk.input_stride, chunk.input, stream));
    PAL_TRY(encode_fused(chunk.input, operands.encoder, operands.encoder_bias, chunk.input_stride, coder.latents, n, k, chunk.kept,
                         values + first * k, indices + first * k, stream));
  }
  return PAL_OK;
}

pal_status encode_float(const pal_coder& coder, const float* x, int64_t rows, int64_t k, pal_activation activation,
                        float* values, int32_t* indices, void* workspace, cudaStream_t stream) {
  const bool centred = coder.subtract_decoder_bias != 0;
  const Chunk<float> chunk(coder.width, coder.latents, rows, true, workspace);
  PAL_TRY(chunk.clear(coder.latents, stream));
  for (int64_t first = 0; first < rows; first += chunk.rows) {
    const int64_t n = std::min(chunk.rows, rows - first);
    const float* input = x + first * coder.width;
    if (centred) {
      const int64_t elements = n * coder.width;
      PAL_TRY(launch("subtract_centre", &subtract_centre, dim3(static_cast<unsigned>(ceil_divide<int64_t>(elements, kThreads))),
                     kThreads, 0, stream, input, coder.decoder_bias, elements, coder.width, chunk.input));
      input = chunk.input;
    }
    PAL_TRY(product(chunk.shape(coder.width, coder.latents, n), float_arithmetic(false, true), input, coder.encoder,
                    coder.encoder_bias, chunk.activations[0], false, chunk.product, stream));
    PAL_TRY(select(chunk, 0, coder, n, k, activation, values + first * k, indices + first * k, stream));
  }
  return PAL_OK;
}

}  // namespace
}  // namespace pal

extern "C" {

pal_status pal_cuda_set_chunk_bytes(int64_t bytes) {
  PAL_REQUIRE(bytes >= 0 && bytes <= pal::kMostChunkBytes, "pal_cuda_set_chunk_bytes: %lld, expected 0 .. %lld",
              static_cast<long long>(bytes), static_cast<long long>(pal::kMostChunkBytes));
  pal::chunk_bytes = bytes == 0 ? pal::kMostChunkBytes : bytes;
  return PAL_OK;
}

pal_status pal_cuda_set_overlap(int32_t on) {
  PAL_REQUIRE(on == 0 || on == 1, "pal_cuda_set_overlap: %d, expected 0 or 1", on);
  pal::overlap_wanted = on == 1;
  return PAL_OK;
}

pal_status pal_cuda_set_encode(const char* name) {
  const bool fused = name != nullptr && std::strcmp(name, "e2") == 0;
  PAL_REQUIRE(fused || (name != nullptr && (name[0] == '\0' || std::strcmp(name, "e0") == 0)),
              "pal_cuda_set_encode: '%s', expected '', 'e0' or 'e2'", name == nullptr ? "(null)" : name);
  pal::fused_wanted = fused;
  return PAL_OK;
}

size_t pal_encode_workspace_bytes(int64_t width, int64_t latents, int64_t rows, int64_t k, pal_activation activation) {
  if (width <= 0 || latents <= 0 || rows < 0) return 0;
  const pal::Chunk<float> full(width, latents, rows, true, nullptr);
  const pal::Arithmetic arithmetic = pal::float_arithmetic(false, true);
  pal::prepare_product(full.shape(width, latents, std::min(rows, full.rows)), false, arithmetic, true);
  pal::prepare_product(full.shape(width, latents, rows % full.rows), false, arithmetic, true);
  if (pal::uses_fused(latents, k, activation)) {
    return std::max(pal::FusedChunk(width, latents, rows, nullptr).bytes, full.bytes);
  }
  const pal::Chunk<pal::bf16> half(width, latents, rows, true, nullptr);
  pal::prepare_product(half.shape(width, latents, std::min(rows, half.rows)), true, pal::Arithmetic::FP32, true);
  pal::prepare_product(half.shape(width, latents, rows % half.rows), true, pal::Arithmetic::FP32, true);
  return std::max(half.bytes, full.bytes);
}

pal_status pal_encode(const pal_coder* coder, const float* x, int64_t rows, int64_t k, pal_activation activation,
                      float* values, int32_t* indices, void* workspace, size_t workspace_bytes, pal_stream stream) {
  PAL_TRY(pal::check_coder(coder, "pal_encode"));
  PAL_REQUIRE(rows >= 0, "pal_encode: rows %lld is negative", static_cast<long long>(rows));
  PAL_REQUIRE(k >= 1 && k <= coder->latents, "pal_encode: k %lld, expected 1 .. %lld", static_cast<long long>(k),
              static_cast<long long>(coder->latents));
  PAL_REQUIRE(activation == PAL_TOPK || activation == PAL_GROUPMAX, "pal_encode: activation %d, expected 0 or 1", activation);
  PAL_REQUIRE(activation != PAL_GROUPMAX || coder->latents % k == 0, "pal_encode: groupmax of %lld latents in %lld groups",
              static_cast<long long>(coder->latents), static_cast<long long>(k));
  PAL_REQUIRE(coder->encoder != nullptr && coder->encoder_bias != nullptr, "pal_encode: encoder or encoder_bias is NULL");
  PAL_REQUIRE(coder->subtract_decoder_bias == 0 || coder->decoder_bias != nullptr, "pal_encode: decoder_bias is NULL");
  if (rows == 0) return PAL_OK;
  PAL_REQUIRE(x != nullptr && values != nullptr && indices != nullptr, "pal_encode: x, values or indices is NULL");
  const size_t needed = pal_encode_workspace_bytes(coder->width, coder->latents, rows, k, activation);
  PAL_REQUIRE(workspace != nullptr && workspace_bytes >= needed, "pal_encode: workspace of %zu bytes, expected %zu",
              workspace_bytes, needed);
  PAL_REQUIRE(pal::is_aligned(workspace, pal::kAlignment), "pal_encode: workspace is not aligned to %zu bytes", pal::kAlignment);
  const cudaStream_t s = pal::as_stream(stream);
  if (coder->operands == nullptr) return pal::encode_float(*coder, x, rows, k, activation, values, indices, workspace, s);
  if (pal::uses_fused(coder->latents, k, activation)) {
    return pal::encode_by_groups(*coder, x, rows, k, values, indices, workspace, s);
  }
  return pal::encode_bf16(*coder, x, rows, k, activation, values, indices, workspace, s);
}

}  // extern "C"
