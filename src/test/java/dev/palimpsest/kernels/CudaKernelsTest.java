package dev.palimpsest.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class CudaKernelsTest {
  @Test
  void aMissingLibraryIsExplained() {
    CudaKernels.Status status = CudaKernels.status("/nowhere/libpalimpsest_cuda.so");

    assertThat(status.usable()).isFalse();
    assertThat(status.description())
        .contains("/nowhere/libpalimpsest_cuda.so", "cuda-kernels/check.sh --library")
        .doesNotContain("\n");
  }

  @Test
  void aLibraryThatHoldsSomethingElseIsExplained() {
    CudaKernels.Status status = CudaKernels.status("libc.so.6");

    assertThat(status.usable()).isFalse();
    assertThat(status.description()).contains("libc.so.6 has no function pal_abi_version");
  }

  @Test
  void onlyAGpuThatIsNewEnoughCounts() {
    assertThat(CudaKernels.judged("cuda sm_90 NVIDIA H200, products by cublasLt").usable())
        .isTrue();
    assertThat(CudaKernels.judged("cuda sm_120 NVIDIA RTX").usable()).isTrue();
    assertThat(CudaKernels.judged("cuda sm_75 Tesla T4, products by cublasLt"))
        .isEqualTo(
            new CudaKernels.Status(
                false,
                "cuda sm_75 Tesla T4, products by cublasLt: too old, compute capability 8.0 is needed"));
    assertThat(CudaKernels.judged("cuda unavailable: no CUDA-capable device is detected"))
        .isEqualTo(
            new CudaKernels.Status(false, "cuda unavailable: no CUDA-capable device is detected"));
  }

  @Test
  void thisMachineHasAnAnswer() {
    assertThat(CudaKernels.status().description()).isNotBlank();
  }
}
