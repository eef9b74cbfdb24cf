package dev.palimpsest.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.palimpsest.activations.Hook;
import dev.palimpsest.activations.HookedActivations;
import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.model.TokenBatch;
import dev.palimpsest.text.ExcludedTokens;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * A step reuses its buffers: what it puts on the Java heap is small and does not grow with batch or
 * coder.
 */
class StepAllocationTest {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private static long allocated() {
    return THREADS.getThreadAllocatedBytes(Thread.currentThread().getId());
  }

  @Test
  void stepsReuseTheirBuffers() {
    int tokens = 512;
    try (LanguageModel model = LanguageModel.load(ModelSource.resolve(ModelSource.EMBEDDED));
        HookedActivations activations =
            new HookedActivations(
                model, List.of(new Hook("layers.1.mlp", true)), ExcludedTokens.of(0), tokens);
        SparseCoder coder =
            SparseCoder.initialise(
                CoderConfig.transcoder(model.config().width(), 2048, 16, true), 1);
        CoderTrainer trainer = new CoderTrainer(coder, OptimizerConfig.of(Optimizer.ADAM), 100)) {
      trainer.reserve(tokens);
      int[] ids =
          new SplittableRandom(1).ints(tokens, 0, model.config().vocabularySize()).toArray();
      TokenBatch batch = new TokenBatch(4, tokens / 4, ids);
      long place = activations.x(0).address();
      for (int step = 0; step < 6; step++) {
        long before = allocated();
        int n = activations.run(batch);
        long between = allocated();
        trainer.step(activations.x(0), activations.y(0), n);
        long after = allocated();
        assertThat(activations.x(0).address()).isEqualTo(place);
        if (step >= 3) {
          assertThat(after - between).as("coder's bytes in step %d", step).isLessThan(4096);
          assertThat(between - before).as("model's bytes in step %d", step).isLessThan(256 << 10);
        }
      }
    }
  }
}
