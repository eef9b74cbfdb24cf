#include "checks.hpp"

namespace palimpsest {
namespace {

// Of v, what lies below 2^-126 counts as 0, and so do roots of v_hat below 2^-63 / sqrt(1 - b2), 3e-18 for the usual b2:
// epsilon must be so large that they are nothing beside it.
constexpr float kLeastEpsilon = 1e-10f;

} // namespace

pal_status check_range(const char* function, const char* name, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) return PAL_OK;
  return fail(PAL_INVALID_ARGUMENT, "%s: %s is %lld, expected %lld to %lld", function, name,
              static_cast<long long>(value), static_cast<long long>(low), static_cast<long long>(high));
}

pal_status check_pointers(const char* function, std::initializer_list<Named> pointers) {
  for (const Named& named : pointers) {
    if (!named.pointer) return fail(PAL_INVALID_ARGUMENT, "%s: %s is NULL", function, named.name);
  }
  return PAL_OK;
}

pal_status check_workspace(const char* function, const void* workspace, size_t given, size_t needed) {
  if (needed == 0) return PAL_OK;
  if (!workspace) return fail(PAL_INVALID_ARGUMENT, "%s: workspace is NULL", function);
  if (reinterpret_cast<uintptr_t>(workspace) % 64 != 0) {
    return fail(PAL_INVALID_ARGUMENT, "%s: workspace is not aligned to 64 bytes", function);
  }
  if (given >= needed) return PAL_OK;
  return fail(PAL_INVALID_ARGUMENT, "%s: workspace has %zu bytes, expected at least %zu", function, given, needed);
}

pal_status check_indices(const char* function, const int32_t* indices, int64_t rows, int64_t k, int64_t latents) {
  for (int64_t i = 0; i < rows * k; ++i) {
    if (indices[i] >= 0 && indices[i] < latents) continue;
    return fail(PAL_INVALID_ARGUMENT, "%s: indices[%lld, %lld] is %d, expected 0 to %lld", function,
                static_cast<long long>(i / k), static_cast<long long>(i % k), indices[i],
                static_cast<long long>(latents - 1));
  }
  return PAL_OK;
}

pal_status check_coder(const char* function, const pal_coder* coder) {
  PAL_TRY(check_pointers(function, {{"coder", coder}}));
  PAL_TRY(check_range(function, "coder.width", coder->width, 1, kMaxWidth));
  PAL_TRY(check_range(function, "coder.latents", coder->latents, 1, kMaxLatents));
  return check_pointers(function, {{"coder.encoder", coder->encoder},
                                   {"coder.encoder_bias", coder->encoder_bias},
                                   {"coder.decoder", coder->decoder},
                                   {"coder.decoder_bias", coder->decoder_bias}});
}

pal_status check_gradients(const char* function, const char* what, const pal_gradients& gradients, bool skip) {
  if (gradients.encoder && gradients.encoder_bias && gradients.decoder && gradients.decoder_bias &&
      (gradients.skip || !skip)) {
    return PAL_OK;
  }
  return fail(PAL_INVALID_ARGUMENT, "%s: %s has a NULL array", function, what);
}

pal_status check_hyper(const char* function, const pal_hyper* hyper) {
  PAL_TRY(check_pointers(function, {{"hyper", hyper}}));
  if (hyper->optimizer != PAL_ADAM && hyper->optimizer != PAL_SIGNUM) {
    return fail(PAL_INVALID_ARGUMENT, "%s: hyper.optimizer is %d, expected %d or %d", function, hyper->optimizer,
                PAL_ADAM, PAL_SIGNUM);
  }
  if (hyper->step < 1) {
    return fail(PAL_INVALID_ARGUMENT, "%s: hyper.step is %lld, expected 1 or more", function,
                static_cast<long long>(hyper->step));
  }
  const bool signum = hyper->optimizer == PAL_SIGNUM;
  if (!signum && !(hyper->epsilon >= kLeastEpsilon)) {
    return fail(PAL_INVALID_ARGUMENT, "%s: hyper.epsilon is %g, expected %g or more", function,
                static_cast<double>(hyper->epsilon), static_cast<double>(kLeastEpsilon));
  }
  const bool first = hyper->beta1 < 1.0f && (signum ? hyper->beta1 > 0.0f : hyper->beta1 >= 0.0f);
  const bool second = signum || (hyper->beta2 >= 0.0f && hyper->beta2 < 1.0f);
  if (first && second) return PAL_OK;
  return fail(PAL_INVALID_ARGUMENT, "%s: hyper.beta1 is %g and hyper.beta2 %g, expected %s", function,
              static_cast<double>(hyper->beta1), static_cast<double>(hyper->beta2),
              signum ? "beta1 above 0 and below 1" : "both from 0 to below 1");
}

} // namespace palimpsest
