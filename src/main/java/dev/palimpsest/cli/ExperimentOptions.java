package dev.palimpsest.cli;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/**
 * Settings that any command over an experiment may change; an option beats the file, the file beats
 * the default.
 */
final class ExperimentOptions {
  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = {
        "Change one setting, e.g. --set train.tokens=1000000 or --set 'data.files=[a.txt,b.jsonl]';"
            + " repeatable.",
        "config.yaml in a run directory lists them all."
      })
  private List<String> assignments = new ArrayList<>();

  @Option(
      names = "--seed",
      paramLabel = "S",
      description =
          "Seed of everything that is drawn. A run directory keeps the seed it was begun with.")
  private @Nullable Long seed;

  @Option(
      names = "--threads",
      paramLabel = "P",
      description = "Threads; 0 for all processors; at most 256.")
  private @Nullable Integer threads;

  @Option(
      names = "--device",
      paramLabel = "cpu|cuda|auto",
      description =
          "Where to compute; auto (the default): on a GPU where one can be used. Which it is, is"
              + " said on stderr.")
  private @Nullable String device;

  @Option(
      names = "--precision",
      paramLabel = "bf16|fp32",
      description =
          "Of the language model's dense layers (default: fp32), and of coders' products on a GPU"
              + " (default: bf16; on the CPU they are always fp32).")
  private @Nullable String precision;

  /** {@link #assignments()} with that of another option. */
  List<String> assignments(StrictOption strict) {
    List<String> all = assignments();
    all.addAll(strict.assignments());
    return all;
  }

  /** Every change asked for, as KEY=VALUE, in the order in which they are to be made. */
  List<String> assignments() {
    List<String> all = new ArrayList<>(assignments);
    if (seed != null) {
      all.add("seed=" + seed);
    }
    if (threads != null) {
      all.add("threads=" + threads);
    }
    if (device != null) {
      all.add("device=" + device);
    }
    if (precision != null) {
      all.add("precision=" + precision);
      all.add("model_precision=" + precision);
    }
    return all;
  }
}
