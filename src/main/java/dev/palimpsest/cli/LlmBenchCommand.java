package dev.palimpsest.cli;

import dev.palimpsest.base.UsageException;
import dev.palimpsest.bench.LlmBench;
import dev.palimpsest.bench.LlmReport;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.tensor.Precision;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code palimpsest bench llm}: how fast a language model runs. */
@Command(
    name = "llm",
    description = {
      "Times a language model on the CPU: reading a prompt, writing answers, judging labels of",
      "questions that begin alike; beside it the same model with all its layers by libtorch."
    },
    mixinStandardHelpOptions = true)
final class LlmBenchCommand implements Callable<Integer> {
  @Option(
      names = "--model",
      paramLabel = "DIR",
      defaultValue = ModelSource.EMBEDDED,
      description = "Folder in Hugging Face layout, or 'embedded' (the default).")
  private String model = ModelSource.EMBEDDED;

  @Option(
      names = "--precision",
      paramLabel = "bf16|fp32",
      defaultValue = "bf16",
      description = "Of the dense layers' products. Default: ${DEFAULT-VALUE}.")
  private String precision = "bf16";

  @Option(
      names = "--tokens",
      paramLabel = "T",
      defaultValue = "480",
      description = "Tokens of the prompt. Default: ${DEFAULT-VALUE}.")
  private int tokens;

  @Option(
      names = "--written",
      paramLabel = "N",
      defaultValue = "32",
      description = "Tokens of an answer. Default: ${DEFAULT-VALUE}.")
  private int written;

  @Option(
      names = "--shared",
      paramLabel = "N",
      defaultValue = "600",
      description = "Tokens that questions begin with in common. Default: ${DEFAULT-VALUE}.")
  private int shared;

  @Option(
      names = "--own",
      paramLabel = "N",
      defaultValue = "90",
      description = "Tokens of each question. Default: ${DEFAULT-VALUE}.")
  private int own;

  @Option(
      names = "--questions",
      paramLabel = "N",
      defaultValue = "32",
      description = "Questions. Default: ${DEFAULT-VALUE}.")
  private int questions;

  @Option(
      names = "--threads",
      paramLabel = "P",
      defaultValue = "0",
      description = "Threads; 0 for all processors.")
  private int threads;

  @Option(
      names = "--repetitions",
      paramLabel = "N",
      defaultValue = "5",
      description = "Repetitions of the prompt. Default: ${DEFAULT-VALUE}.")
  private int repetitions;

  @Mixin private OutputOptions output;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    for (int size : new int[] {tokens, written, shared, own, questions, repetitions}) {
      if (size < 1) {
        throw new UsageException("sizes and repetitions are 1 or more, found " + size);
      }
    }
    ConsoleLog log = output.log(spec.commandLine().getErr());
    LlmReport report =
        new LlmBench(
                ModelSource.resolve(model),
                Precision.labelled(precision),
                new LlmBench.Sizes(tokens, written, shared, own, questions, threads))
            .run(repetitions, done -> log.advanced("measuring", "repetitions", done, repetitions));
    output.print(spec.commandLine().getOut(), report, text(report));
    return 0;
  }

  private static String text(LlmReport report) {
    return String.format(
        Locale.ROOT,
        """
        %d layers of width %d in %s, %d threads; %s, %s
        prompt of %d tokens   %8.1f tokens/s   libtorch %.1f: %.2f times as fast
        processor time        %8.0f ms         libtorch %.0f
        its products          %8.1f GFLOP/s    %.0f %% of the %.1f that a product in the caches reaches
        one answer            %8.1f tokens/s   libtorch %.1f
        %d answers together    %8.1f tokens/s
        label questions       %8.2f /s, %d tokens in common and %d of their own; %.2f /s with nothing shared
        memory                %8.0f MiB, at most %.0f; the weights' files have %.0f\
        """,
        report.layers(),
        report.width(),
        report.precision(),
        report.threads(),
        report.environment().processor(),
        report.environment().libraries().get("kernels"),
        report.prefillTokens(),
        report.prefillTokensPerSecond(),
        report.eagerPrefillTokensPerSecond(),
        report.prefillOverEager(),
        report.prefillProcessorMs(),
        report.eagerPrefillProcessorMs(),
        report.prefillGflops(),
        100 * report.shareOfPeak(),
        report.productGflops(),
        report.decodeTokensPerSecond(),
        report.eagerDecodeTokensPerSecond(),
        LlmBench.ROWS,
        report.batchDecodeTokensPerSecond(),
        report.questionsPerSecond(),
        report.sharedTokens(),
        report.ownTokens(),
        report.unsharedQuestionsPerSecond(),
        mebibytes(report.residentBytes()),
        mebibytes(report.peakResidentBytes()),
        mebibytes(report.weightBytes()));
  }

  private static double mebibytes(long bytes) {
    return bytes / (double) (1 << 20);
  }
}
