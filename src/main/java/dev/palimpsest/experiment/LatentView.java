package dev.palimpsest.experiment;

import dev.palimpsest.base.FileDigests;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.report.LatentPage;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.run.StageLedger;
import dev.palimpsest.text.Tokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Finds one latent's page, given a run directory, or a coder's folder in one or on its own. */
public final class LatentView {
  private LatentView() {}

  /**
   * Reads what is known of one latent.
   *
   * @param place a run directory, or a folder with {@code cfg.json} and {@code sae.safetensors}
   * @param latent 0-based
   * @param hookpoint which coder of a run directory; without it, the first
   * @param model overrides the run's model; needed for a coder outside of any run directory
   * @throws UsageException if the coder has no such latent, a model is needed and not given, or
   *     model or text have changed since the run was begun
   * @throws PalimpsestException naming what is missing or cannot be read
   */
  public static LatentPage page(
      Path place, int latent, Optional<String> hookpoint, Optional<String> model) {
    Optional<RunDirectory> run = runAround(place);
    if (run.isEmpty()) {
      return ofCoder(place, latent, hookpoint, model);
    }
    ExperimentConfig config = ConfigFiles.readResolved(run.get().config());
    String name = coderName(run.get(), place, hookpoint, config);
    ExperimentConfig found =
        config.withInputs(
            model.map(SourcePaths::whole).orElse(config.model()), config.data().files());
    return read(sources(run.get(), name, found), latent, found.model());
  }

  /**
   * Only what is up to date, as far as it can be known; nothing is written.
   *
   * @throws UsageException where model or text are others than the run was begun with, as in the
   *     commands that write
   */
  private static LatentPageCollector.Sources sources(
      RunDirectory run, String name, ExperimentConfig config) {
    FileDigests digests = FileDigests.at(run.digests());
    RunInputs inputs = RunInputs.asFarAsThere(config, run, digests);
    inputs.requireSame(false);
    return CoderUnit.of(config).stream()
        .filter(unit -> unit.name().equals(name))
        .findFirst()
        .map(
            unit ->
                LatentPageCollector.Sources.current(
                    run,
                    new StagePlan(
                        config, run, inputs, new StageLedger(run, digests), digests, unit),
                    config.seed()))
        .orElseGet(() -> LatentPageCollector.Sources.of(run, name, config.seed()));
  }

  private static LatentPage ofCoder(
      Path place, int latent, Optional<String> hookpoint, Optional<String> model) {
    if (!Files.isDirectory(place)) {
      throw new UsageException("no run directory or coder " + place);
    }
    Path coder = hookpoint.map(place::resolve).orElse(place);
    String source =
        model.orElseThrow(
            () ->
                new UsageException(
                    "--model is needed: "
                        + place
                        + " lies in no run directory that would say which model it belongs to"));
    return read(LatentPageCollector.Sources.ofCoder(coder, 0), latent, source);
  }

  private static LatentPage read(
      LatentPageCollector.Sources sources, int latent, String modelSource) {
    Path folder = ModelSource.resolve(modelSource);
    try (LanguageModel model = LanguageModel.load(folder);
        Tokenizer tokenizer = Tokenizer.load(folder);
        LatentPageCollector collector = new LatentPageCollector(sources, model, tokenizer)) {
      return collector.page(latent, List.of());
    }
  }

  /** The place itself or the nearest folder above it that holds a run. */
  private static Optional<RunDirectory> runAround(Path place) {
    for (Path folder = place.toAbsolutePath().normalize();
        folder != null;
        folder = folder.getParent()) {
      RunDirectory run = new RunDirectory(folder);
      if (Files.isRegularFile(run.config())
          && (folder.equals(place.toAbsolutePath().normalize())
              || place.toAbsolutePath().normalize().startsWith(folder.resolve("coder")))) {
        return Optional.of(run);
      }
    }
    return Optional.empty();
  }

  private static String coderName(
      RunDirectory run, Path place, Optional<String> hookpoint, ExperimentConfig config) {
    Path coders = run.root().resolve("coder");
    Path absolute = place.toAbsolutePath().normalize();
    if (absolute.startsWith(coders) && !absolute.equals(coders)) {
      return coders.relativize(absolute).toString();
    }
    if (hookpoint.isPresent()) {
      return hookpoint.get();
    }
    if (config.coders().isEmpty()) {
      throw new PalimpsestException(run.config() + " names no coder; give --hookpoint");
    }
    return CoderUnit.of(config).get(0).name();
  }
}
