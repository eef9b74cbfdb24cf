package dev.palimpsest.experiment;

import dev.palimpsest.base.UsageException;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.run.StageName;
import dev.palimpsest.text.Tokenizer;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * What works with a model that comes without a tokenizer: its tokens have numbers and no names, so
 * coders can be trained and latents cached from token files, and nothing can be said in words.
 */
final class Wordless {
  private static final Set<StageName> WITHOUT_WORDS = EnumSet.of(StageName.TRAIN, StageName.CACHE);

  private Wordless() {}

  /** Whether an experiment's model has no tokenizer. */
  static boolean is(ExperimentConfig config) {
    return !Tokenizer.isIn(ModelSource.resolve(config.model()));
  }

  /** What a person should know before training. */
  static String note(ExperimentConfig config) {
    return config.model()
        + " has no tokenizer.json: train, cache and eval work without, every other stage needs the"
        + " tokens' names";
  }

  /**
   * Makes sure, before anything is done, that none of the wanted stages will miss the words.
   *
   * @throws UsageException naming the stages that cannot be done
   */
  static void requireWords(ExperimentConfig config, Set<StageName> wanted) {
    List<String> missing =
        wanted.stream()
            .filter(stage -> !WITHOUT_WORDS.contains(stage))
            .sorted()
            .map(StageName::label)
            .toList();
    if (!missing.isEmpty() && is(config)) {
      throw new UsageException(
          config.model()
              + " has no tokenizer.json, so its tokens have no names, which "
              + String.join(", ", missing)
              + (missing.size() == 1 ? " needs" : " need")
              + "; 'train' and 'cache' work without");
    }
  }
}
