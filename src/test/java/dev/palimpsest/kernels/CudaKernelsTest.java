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
  void thisMachineHasAnAnswer() {
    assertThat(CudaKernels.status().description()).isNotBlank();
  }
}
