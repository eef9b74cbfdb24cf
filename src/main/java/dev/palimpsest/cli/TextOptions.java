package dev.palimpsest.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.run.OutputFolder;
import dev.palimpsest.text.Corpus;
import dev.palimpsest.text.CorpusOptions;
import dev.palimpsest.text.ExcludedTokens;
import dev.palimpsest.text.TokenWidth;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import picocli.CommandLine.Help.Visibility;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The options that say which text is read, how, and in what contexts. */
final class TextOptions {
  @Option(
      names = "--data",
      arity = "1..*",
      parameterConsumer = SeveralValues.Texts.class,
      showDefaultValue = Visibility.NEVER,
      paramLabel = "FILE",
      description = {
        "Text in UTF-8: .txt, .jsonl, either with .gz, .bin (token ids), or 'embedded' (the"
            + " default).",
        "Several files may follow; 'embedded' beside files needs a --data of its own."
      })
  private List<String> data = new ArrayList<>();

  @Option(
      names = "--text-key",
      paramLabel = "KEY",
      defaultValue = "text",
      showDefaultValue = Visibility.ALWAYS,
      description = "Key of the text in JSON lines.")
  private String textKey = "text";

  @Option(
      names = "--skip-null-texts",
      description = "Pass over JSON lines whose text is null, which are an error otherwise.")
  private boolean skipNullTexts;

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
      description =
          "Id of the token before documents; by default the model's beginning-of-text token, else"
              + " its end-of-text token.")
  private Optional<Integer> endOfText = Optional.empty();

  @Option(
      names = "--bos-every-window",
      description = "Begin every window with the token before documents.")
  private boolean bosEveryWindow;

  @Option(
      names = "--within-documents",
      description =
          "End windows with their document; what does not fill a window is dropped, so texts must"
              + " be longer than --ctx-len.")
  private boolean withinDocuments;

  @Option(
      names = "--token-cache",
      showDefaultValue = Visibility.NEVER,
      paramLabel = "DIR",
      description = "Where tokenised text is kept; by default in the user's cache folder.")
  private Optional<Path> tokenCache = Optional.empty();

  @Option(
      names = "--ctx-len",
      paramLabel = "T",
      defaultValue = "256",
      description = "Tokens of a context.")
  private int contextLength;

  @Option(
      names = "--exclude-tokens",
      paramLabel = "auto|none|ID,...",
      defaultValue = "auto",
      description =
          "Tokens that are neither trained on, nor replaced, nor counted; auto: the one before"
              + " documents; ids: these besides it; none,ID: these alone.")
  private String excludedTokens = "auto";

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command = CommandSpec.create();

  /**
   * Tokens of a context.
   *
   * @throws UsageException for fewer than 2, which leave nothing to predict
   */
  int contextLength() {
    if (contextLength < 2) {
      throw new UsageException("--ctx-len must be at least 2, found " + contextLength);
    }
    return contextLength;
  }

  /** The positions that are left out. */
  ExcludedTokens excluded(Corpus corpus) {
    return ExcludedTokens.parse(excludedTokens, corpus);
  }

  /** Where tokenised text is kept. */
  Path tokenCache() {
    tokenCache.ifPresent(OutputFolder::requireFree);
    return tokenCache.orElseGet(Corpus::defaultCache);
  }

  /** Writes them as the group {@code data} of an experiment's settings. */
  void describe(ObjectNode into) {
    files().forEach(into.putArray("files")::add);
    into.put("text_key", textKey).put("skip_null_texts", skipNullTexts);
    into.put("token_dtype", tokenWidth.map(TextOptions::label).orElse("auto"));
    into.put("end_of_text", endOfText.map(String::valueOf).orElse("auto"));
    into.put("bos_every_window", bosEveryWindow).put("within_documents", withinDocuments);
    into.put("exclude_tokens", excludedTokens);
  }

  /**
   * Opens the text for a model, and says on stderr what is worth knowing about it.
   *
   * @param seed of the splits
   */
  Corpus open(Path modelFolder, int vocabularySize, long seed) {
    OptionalInt id = endOfText.map(OptionalInt::of).orElseGet(OptionalInt::empty);
    CorpusOptions options =
        new CorpusOptions(textKey, skipNullTexts, tokenWidth, id, bosEveryWindow, withinDocuments);
    Corpus corpus =
        Corpus.openFor(modelFolder, vocabularySize, files(), seed, tokenCache(), options);
    PrintWriter err = command.commandLine().getErr();
    corpus.notes().forEach(line -> err.println("note: " + line));
    return corpus;
  }

  private List<String> files() {
    return data.isEmpty() ? List.of(ModelSource.EMBEDDED) : data;
  }

  private static String label(TokenWidth width) {
    return width.name().toLowerCase(Locale.ROOT);
  }
}
