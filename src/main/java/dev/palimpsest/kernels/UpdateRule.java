package dev.palimpsest.kernels;

/** One optimiser step's rule and its numbers ({@code pal_hyper}); {@code step} counts from 1. */
public sealed interface UpdateRule {
  /** The learning rate of this step. */
  float learningRate();

  /** t = 1, 2, ... */
  long step();

  /**
   * Adam (Kingma and Ba 2015), bias-corrected as in torch.
   *
   * @param learningRate this step's learning rate
   * @param beta1 decay of the first moment
   * @param beta2 decay of the second moment
   * @param epsilon added to the corrected root
   * @param step t = 1, 2, ...
   */
  record Adam(float learningRate, float beta1, float beta2, float epsilon, long step)
      implements UpdateRule {
    /** The usual constants: 0.9, 0.999, 1e-8. */
    public Adam(float learningRate, long step) {
      this(learningRate, 0.9f, 0.999f, 1e-8f, step);
    }
  }

  /**
   * Schedule-free signum (Defazio et al. 2024): parameters hold y, the first moment holds z.
   *
   * @param learningRate this step's learning rate
   * @param momentum b, where between x and z gradients are taken
   * @param step t = 1, 2, ...
   */
  record Signum(float learningRate, float momentum, long step) implements UpdateRule {}
}
