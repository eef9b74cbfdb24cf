package dev.palimpsest.cli;

import dev.palimpsest.model.ModelSource;
import dev.palimpsest.text.Corpus;
import dev.palimpsest.text.CorpusOptions;
import dev.palimpsest.text.TokenWidth;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import picocli.CommandLine.Help.Visibility;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The options that say which text is read, and how. */
final class TextOptions {
  @Option(
      names = "--data",
      arity = "1..*",
      paramLabel = "FILE",
      description =
          "Text: .txt, .jsonl, either with .gz, .bin (token ids), or 'embedded' (the default).")
  private List<String> data = new ArrayList<>(List.of(ModelSource.EMBEDDED));

  @Option(
      names = "--text-key",
      paramLabel = "KEY",
      defaultValue = "text",
      description = "Key of the text in JSON lines; default ${DEFAULT-VALUE}.")
  private String textKey = "text";

  @Option(
      names = "--token-dtype",
      showDefaultValue = Visibility.NEVER,
      paramLabel = "TYPE",
      description = "Of ids in .bin files: u16 or u32; by default u16 where the vocabulary fits.")
  private Optional<TokenWidth> tokenWidth = Optional.empty();

  @Option(
      names = "--end-of-text",
      showDefaultValue = Visibility.NEVER,
      paramLabel = "ID",
      description = "Token id between documents; by default the tokenizer's own.")
  private Optional<Integer> endOfText = Optional.empty();

  @Option(
      names = "--token-cache",
      showDefaultValue = Visibility.NEVER,
      paramLabel = "DIR",
      description = "Where tokenised text is kept; by default in the user's cache folder.")
  private Optional<Path> tokenCache = Optional.empty();

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command = CommandSpec.create();

  List<String> data() {
    return data;
  }

  CorpusOptions options() {
    OptionalInt id = endOfText.map(OptionalInt::of).orElseGet(OptionalInt::empty);
    return new CorpusOptions(textKey, tokenWidth, id);
  }

  /**
   * Opens the text for a model, and says on stderr what is worth knowing about it.
   *
   * @param seed of the splits
   */
  Corpus open(Path modelFolder, int vocabularySize, long seed) {
    Path cache = tokenCache.orElseGet(Corpus::defaultCache);
    Corpus corpus = Corpus.openFor(modelFolder, vocabularySize, data, seed, cache, options());
    PrintWriter err = command.commandLine().getErr();
    corpus.notes().forEach(line -> err.println("! " + line));
    return corpus;
  }
}
