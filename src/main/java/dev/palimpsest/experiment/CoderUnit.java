package dev.palimpsest.experiment;

import dev.palimpsest.base.UsageException;
import dev.palimpsest.run.RunDirectory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * One coder of a run: an entry of the configuration with one of the seeds that it is trained with.
 *
 * @param index of the entry
 * @param given the entry
 * @param seed of its initial weights, where the run has several
 */
record CoderUnit(int index, ExperimentConfig.Coder given, OptionalLong seed) {
  /** All of an experiment, entry by entry and seed by seed; a coder given by path has no seeds. */
  static List<CoderUnit> of(ExperimentConfig config) {
    List<Long> seeds = config.train().seeds();
    List<CoderUnit> units = new ArrayList<>();
    for (int i = 0; i < config.coders().size(); i++) {
      ExperimentConfig.Coder given = config.coders().get(i);
      if (seeds.size() < 2 || given.path().isPresent()) {
        units.add(new CoderUnit(i, given, OptionalLong.empty()));
      } else {
        for (long seed : seeds) {
          units.add(new CoderUnit(i, given, OptionalLong.of(seed)));
        }
      }
    }
    return units;
  }

  /**
   * The one whose all-tokens table is {@code rewrite.json}: the first transcoder, else the first.
   *
   * @throws UsageException where there is no coder at all
   */
  static CoderUnit main(ExperimentConfig config) {
    List<CoderUnit> units = of(config);
    return units.stream()
        .filter(unit -> unit.given().transcode())
        .findFirst()
        .or(() -> units.stream().findFirst())
        .orElseThrow(
            () ->
                new UsageException(
                    "the experiment names no coders: give at least one hookpoint ('coders')"));
  }

  /** Where it sits in the model. */
  String hookpoint() {
    return given.hookpoint();
  }

  /** Its name in folders, files and messages: the hookpoint, with {@code /seedN} of several. */
  String name() {
    return seed.isPresent() ? hookpoint() + "/seed" + seed.getAsLong() : hookpoint();
  }

  /** The same as part of the name of a stage, which is a file's name. */
  String label() {
    return name().replace('/', '.');
  }

  /** The files of its weights. */
  List<Path> files(RunDirectory run) {
    Path folder = run.coder(name());
    return List.of(folder.resolve("cfg.json"), folder.resolve("sae.safetensors"));
  }

  /** Whether it lies in the run directory. */
  boolean exists(RunDirectory run) {
    return files(run).stream().allMatch(Files::isRegularFile);
  }
}
