package dev.palimpsest.cli;

import dev.palimpsest.base.Quoted;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.kernels.CoderKernels;
import dev.palimpsest.kernels.KernelException;
import java.util.Optional;

/**
 * The environment variable that says which instructions our kernels use on the CPU, for whoever
 * wants others than the best that give the same bits everywhere: AMX, above all.
 */
final class InstructionsVariable {
  static final String NAME = "PALIMPSEST_INSTRUCTIONS";

  private InstructionsVariable() {}

  /**
   * Does as the variable says.
   *
   * @throws UsageException where the word is not known or the processor lacks the instructions
   */
  static void apply(Optional<String> value) {
    if (value.isEmpty()) {
      return;
    }
    try {
      CoderKernels.cpu().setInstructionSet(value.get());
    } catch (KernelException refused) {
      throw new UsageException(
          NAME + "=" + Quoted.of(value.get()) + " in the environment: " + refused.getMessage());
    }
  }
}
