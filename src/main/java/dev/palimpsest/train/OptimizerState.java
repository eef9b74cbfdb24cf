package dev.palimpsest.train;

import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.coder.ParameterSet;
import dev.palimpsest.kernels.Memory;
import dev.palimpsest.kernels.ParameterArrays;
import dev.palimpsest.kernels.UpdateRule;
import dev.palimpsest.safetensors.SafeTensorsWriter;
import dev.palimpsest.safetensors.TensorReader;
import java.util.Optional;

/** What an optimiser remembers of every parameter: Adam's two moments, or signum's z. */
final class OptimizerState implements AutoCloseable {
  private static final String FIRST = "first.";
  private static final String SECOND = "second.";

  private final OptimizerConfig config;
  private final ParameterSet first;
  private final Optional<ParameterSet> second;
  private final ParameterArrays firstArrays;
  private final Optional<ParameterArrays> secondArrays;

  /**
   * @param where the parameters are
   */
  OptimizerState(OptimizerConfig config, CoderConfig coder, Memory where) {
    this.config = config;
    this.first = new ParameterSet(coder, where);
    this.second =
        switch (config.optimizer()) {
          case ADAM -> Optional.of(new ParameterSet(coder, where));
          case SIGNUM -> Optional.empty();
        };
    this.firstArrays = first.asArrays();
    this.secondArrays = second.map(ParameterSet::asArrays);
  }

  /**
   * Called once, when the parameters are final and before the first update: signum's z starts at
   * them.
   */
  void start(ParameterSet parameters) {
    if (config.optimizer() == Optimizer.SIGNUM) {
      first.copyFrom(parameters);
    }
  }

  /**
   * The rule of one update.
   *
   * @param learningRate of this update
   * @param count t = 1, 2, ...
   */
  UpdateRule rule(double learningRate, long count) {
    return switch (config.optimizer()) {
      case ADAM -> new UpdateRule.Adam((float) learningRate, count);
      case SIGNUM -> new UpdateRule.Signum((float) learningRate, (float) config.momentum(), count);
    };
  }

  /** First moments, or signum's z. */
  ParameterSet first() {
    return first;
  }

  ParameterArrays firstArrays() {
    return firstArrays;
  }

  Optional<ParameterSet> second() {
    return second;
  }

  Optional<ParameterArrays> secondArrays() {
    return secondArrays;
  }

  void addTo(SafeTensorsWriter writer) {
    first.addTo(writer, FIRST);
    second.ifPresent(moments -> moments.addTo(writer, SECOND));
  }

  void readFrom(TensorReader reader) {
    first.readFrom(reader, FIRST);
    second.ifPresent(moments -> moments.readFrom(reader, SECOND));
  }

  long totalBytes() {
    return first.totalBytes() + second.map(ParameterSet::totalBytes).orElse(0L);
  }

  @Override
  public void close() {
    first.close();
    second.ifPresent(ParameterSet::close);
  }
}
