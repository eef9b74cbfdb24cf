package dev.palimpsest.cli;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.ThreadCount;
import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.coder.FileEncoder;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.kernels.CoderKernels;
import dev.palimpsest.run.OutputFolder;
import dev.palimpsest.tensor.Devices;
import dev.palimpsest.tensor.Precision;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code palimpsest encode}: a coder's latents and output for the activations of a file. */
@Command(
    name = "encode",
    description = "Encodes activations with a sparse coder.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Reads x [N, d], and y [N, d] if present, from a safetensors file; writes latent_acts [N,"
          + " k],",
      "latent_indices [N, k] (int64), out [N, d], and fvu against y (for an autoencoder without y:"
          + " against x)."
    })
final class EncodeCommand implements Callable<Integer> {
  @Parameters(
      paramLabel = "CODER",
      description = "Folder with cfg.json and sae.safetensors, as sparsify writes them.")
  private Path coder;

  @Option(names = "--input", required = true, paramLabel = "FILE", description = "Activations.")
  private Path input;

  @Option(names = "--out", required = true, paramLabel = "FILE", description = "Result.")
  private Path out;

  @Option(
      names = "--threads",
      paramLabel = "P",
      description =
          "Threads; as many as processors unless given. The result does not depend on it.")
  private Optional<Integer> threads = Optional.empty();

  @Option(
      names = "--device",
      paramLabel = "cpu|cuda|auto",
      description =
          "Where to compute; auto (the default): on a GPU where one can be used. Which it is, is"
              + " said on stderr.")
  private String device = "auto";

  @Option(
      names = "--precision",
      paramLabel = "bf16|fp32",
      description = "Of the coder's products on a GPU (default: bf16); on the CPU always fp32.")
  private String precision = Precision.BF16.label();

  @Mixin private OutputOptions output;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    threads.ifPresent(EncodeCommand::useThreads);
    ConsoleLog log = output.log(spec.commandLine().getErr());
    Devices.Choice chosen = Devices.choose(device, Precision.labelled(precision));
    Path folder = SparseCoder.find(coder);
    NamedFile.require("--input", input);
    AtomicFiles.requireApart(
        out, input, folder.resolve("cfg.json"), folder.resolve("sae.safetensors"));
    OutputFolder.requireFreeFor(out);
    try (SparseCoder loaded = SparseCoder.load(folder, chosen.device())) {
      FileEncoder.Result result = new FileEncoder(loaded).encode(input, out, log);
      log.device(chosen.describe());
      output.print(
          spec.commandLine().getOut(),
          summary(loaded.config(), result),
          String.format(
              Locale.ROOT,
              "%d rows, %.1f latents active per row%s, in %s",
              result.rows(),
              result.l0(),
              result.fvu().isPresent()
                  ? String.format(Locale.ROOT, ", FVU %.4f", result.fvu().getAsDouble())
                  : "",
              out));
    }
    return 0;
  }

  private Map<String, Object> summary(CoderConfig config, FileEncoder.Result result) {
    Map<String, Object> summary = new LinkedHashMap<>();
    summary.put("rows", result.rows());
    summary.put("width", config.width());
    summary.put("num_latents", config.numLatents());
    summary.put("k", result.k());
    summary.put("l0", result.l0());
    summary.put("fvu", result.fvu());
    summary.put("out", out.toString());
    return summary;
  }

  private static void useThreads(int count) {
    CoderKernels.cpu().setThreads(ThreadCount.checked("--threads", count, 1));
  }
}
