package dev.palimpsest.experiment;

import dev.palimpsest.base.UsageException;
import dev.palimpsest.explain.Explanation;
import dev.palimpsest.explain.ExplanationStore;
import dev.palimpsest.explain.ForeignTexts;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.run.RunLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** A run's explanations to and from other programs' files. */
public final class TextExchange {
  private final RunDirectory run;
  private final ExperimentConfig config;
  private final CoderUnit unit;

  /** Forms that are known. */
  public enum Form {
    /** A folder with a file a latent. */
    DELPHI,
    /** A JSON list. */
    NEURONPEDIA
  }

  /**
   * @param folder a run directory
   * @param hookpoint of which coder; empty: its first
   * @throws UsageException where there is no such run or coder
   */
  public TextExchange(Path folder, Optional<String> hookpoint) {
    run = RunDirectory.existing(folder);
    config = ConfigFiles.readResolved(run.config());
    unit =
        CoderUnit.of(config).stream()
            .filter(each -> hookpoint.isEmpty() || each.name().equals(hookpoint.get()))
            .findFirst()
            .orElseThrow(
                () ->
                    new UsageException(
                        folder + " has no coder " + hookpoint.orElse("") + " in its config.yaml"));
  }

  /** Writes the explanations as they are now; returns how many. */
  public int write(Form form, Path to) {
    List<Explanation> texts = ExplanationStore.read(run.explanations(unit.name()));
    switch (form) {
      case DELPHI -> ForeignTexts.writeDelphi(to, unit.name(), texts);
      case NEURONPEDIA ->
          ForeignTexts.writeNeuronpedia(
              to, String.valueOf(Path.of(config.model()).getFileName()), unit.name(), texts);
    }
    return texts.size();
  }

  /**
   * Puts explanations from elsewhere in the place of the run's of the same latents. They count as a
   * person's, which the explainer leaves alone.
   *
   * @return how many
   */
  public int read(Form form, Path from) {
    if (!Files.exists(from)) {
      throw new UsageException(from + " is not there");
    }
    List<Explanation> texts =
        switch (form) {
          case DELPHI -> ForeignTexts.readDelphi(from, unit.name());
          case NEURONPEDIA -> ForeignTexts.readNeuronpedia(from, unit.name());
        };
    int latents = unit.given().numLatents();
    for (Explanation text : texts) {
      if (text.latent() >= latents) {
        throw new UsageException(
            from + ": latent " + text.latent() + ", but the coder has " + latents);
      }
    }
    try (RunLock lock = RunLock.of(run.root())) {
      Path file = run.explanations(unit.name());
      Map<Integer, Explanation> all = new TreeMap<>();
      if (Files.isRegularFile(file)) {
        ExplanationStore.read(file).forEach(text -> all.put(text.latent(), text));
      }
      for (Explanation text : texts) {
        Explanation own = all.get(text.latent());
        // The same words keep the name of who wrote them, which delphi's files do not have.
        if (own == null || !own.text().equals(text.text())) {
          all.put(text.latent(), text);
        }
      }
      ExplanationStore.write(file, List.copyOf(all.values()));
    }
    return texts.size();
  }
}
