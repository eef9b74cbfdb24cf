package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.base.UsageException;
import dev.palimpsest.kernels.CoderKernels;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The environment's word for the kernels' instructions. */
class InstructionsVariableTest {
  @AfterEach
  void leaveTheBest() {
    CoderKernels.cpu().setInstructionSet("");
  }

  @Test
  void theKernelsDoAsItSays() {
    String best = CoderKernels.cpu().describe();
    InstructionsVariable.apply(Optional.of("portable"));
    assertThat(CoderKernels.cpu().describe()).startsWith("cpu portable");
    InstructionsVariable.apply(Optional.empty());
    assertThat(CoderKernels.cpu().describe()).startsWith("cpu portable");
    InstructionsVariable.apply(Optional.of(""));
    assertThat(CoderKernels.cpu().describe()).isEqualTo(best);
  }

  @Test
  void anotherWordIsWrongUsage() {
    assertThatThrownBy(() -> InstructionsVariable.apply(Optional.of("sse9\u001b[2J")))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("PALIMPSEST_INSTRUCTIONS=sse9")
        .hasMessageContaining("expected portable, avx2")
        .hasMessageNotContaining("\u001b[2J in");
  }
}
