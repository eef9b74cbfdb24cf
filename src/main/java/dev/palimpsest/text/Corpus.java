package dev.palimpsest.text;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.FileDigests;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.base.UserFolders;
import dev.palimpsest.model.ModelSource;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;

/**
 * Text as token ids: any number of files, tokenised once and memory-mapped, their documents dealt
 * to the five {@link Split}s.
 *
 * <p>Formats, by name: plain text (a document a file, or parts between {@code <|endoftext|>} marks;
 * long ones are cut at blank lines), {@code .jsonl} (one object a line, text under a key), both
 * also compressed by gzip; {@code .bin} token files (unsigned ids, 16 or 32 bits little-endian, the
 * separator between documents); the word {@code embedded} stands for the stories inside the
 * program. Text is UTF-8, with or without a byte-order mark. Windows line ends in plain text count
 * as line feeds; strings in JSON are taken as they stand.
 */
public final class Corpus {
  private final List<String> names;
  private final List<TokenFile> files;
  private final int vocabularySize;
  private final int separator;
  private final CorpusOptions options;
  private final DocumentSplits splits;
  private final String fingerprint;
  private final List<String> notes;

  private Corpus(
      List<String> names,
      List<TokenFile> files,
      int vocabularySize,
      int separator,
      CorpusOptions options,
      DocumentSplits splits,
      String fingerprint,
      List<String> notes) {
    this.names = names;
    this.files = files;
    this.vocabularySize = vocabularySize;
    this.separator = separator;
    this.options = options;
    this.splits = splits;
    this.fingerprint = fingerprint;
    this.notes = notes;
  }

  /**
   * Opens text for a model with a tokenizer.
   *
   * @param sources files, or the word {@code embedded}; one of the same content as an earlier one
   *     is read once
   * @param seed decides which document goes to which split
   * @param cache folder for tokenised text; made if missing
   * @throws UsageException where there is no such file, or none was named
   * @throws PalimpsestException naming file and line where text is empty, not UTF-8, not JSON, or
   *     lacks its key, or a token id is outside the vocabulary
   */
  public static Corpus open(
      List<String> sources, Tokenizer tokenizer, long seed, Path cache, CorpusOptions options) {
    return open(sources, new TokenizerEncoder(tokenizer), seed, cache, options);
  }

  /**
   * {@link #open(List, Tokenizer, long, Path, CorpusOptions)} with {@link
   * CorpusOptions#defaults()}.
   */
  public static Corpus open(List<String> sources, Tokenizer tokenizer, long seed, Path cache) {
    return open(sources, tokenizer, seed, cache, CorpusOptions.defaults());
  }

  /**
   * Opens text for the model in a folder: with its tokenizer, or, where it has no {@code
   * tokenizer.json}, token files alone, with the separator of {@code options} or of the model's
   * {@code config.json}.
   *
   * @param vocabularySize the model's
   */
  public static Corpus openFor(
      Path modelFolder,
      int vocabularySize,
      List<String> sources,
      long seed,
      Path cache,
      CorpusOptions options) {
    if (Files.exists(modelFolder.resolve("tokenizer.json"))) {
      try (Tokenizer tokenizer = Tokenizer.load(modelFolder)) {
        return open(sources, tokenizer, seed, cache, options);
      }
    }
    JsonNode config = Json.read(modelFolder.resolve("config.json"), JsonNode.class);
    OptionalInt mark =
        options.separator().isPresent()
            ? options.separator()
            : Separator.of(config, vocabularySize);
    return openTokens(
        sources, vocabularySize, seed, cache, options.withTokens(options.tokenWidth(), mark));
  }

  /**
   * Opens token files for a model that comes without a tokenizer; a source that is text is an
   * error.
   *
   * @param vocabularySize the model's
   * @param options must name the separator
   */
  public static Corpus openTokens(
      List<String> sources, int vocabularySize, long seed, Path cache, CorpusOptions options) {
    return open(sources, new NoTokenizer(vocabularySize), seed, cache, options);
  }

  static Corpus open(
      List<String> sources,
      TextEncoder encoder,
      long seed,
      Path cacheFolder,
      CorpusOptions options) {
    if (sources.isEmpty()) {
      throw new UsageException("no text given: name files, or the word " + ModelSource.EMBEDDED);
    }
    int separator = separator(encoder, options);
    List<TextSource> texts =
        sources.stream().map(source -> TextSource.of(source, cacheFolder)).toList();
    List<String> notes = new ArrayList<>();
    TokenCache cache = new TokenCache(cacheFolder, encoder, separator, options, notes::add);
    FileDigests digests = FileDigests.at(cacheFolder.resolve("digests.json"));
    List<String> names = new ArrayList<>();
    List<TokenFile> files = new ArrayList<>();
    Map<String, String> read = new HashMap<>();
    List<Object> identity =
        new ArrayList<>(List.of(encoder.fingerprint(), separator, options.toString()));
    for (TextSource text : texts) {
      String digest = text.format() + " " + digests.of(text.file());
      String same = read.putIfAbsent(digest, text.name());
      if (same != null) {
        notes.add(text.name() + ": the same text as " + same + ", read once");
        continue;
      }
      TokenFile file = cache.open(text, digest);
      if (file.index().documents() == 0) {
        throw new PalimpsestException(text.name() + ": no text in it");
      }
      names.add(text.name());
      files.add(file);
      identity.add(digest);
    }
    digests.save();
    DocumentSplits splits = DocumentSplits.of(files.stream().map(TokenFile::index).toList(), seed);
    Corpus corpus =
        new Corpus(
            names,
            files,
            encoder.vocabularySize(),
            separator,
            options,
            splits,
            FileDigests.ofText(Json.line(identity)),
            notes);
    corpus.noteRepeated();
    return corpus;
  }

  private static int separator(TextEncoder encoder, CorpusOptions options) {
    OptionalInt mark = options.separator().isPresent() ? options.separator() : encoder.separator();
    int separator =
        mark.orElseThrow(
            () ->
                new UsageException(
                    "the tokenizer names no token to put before documents: give its id"
                        + " (--end-of-text)"));
    if (separator < 0 || separator >= encoder.vocabularySize()) {
      throw new UsageException(
          "the end-of-text id "
              + separator
              + " is outside the vocabulary of "
              + encoder.vocabularySize());
    }
    return separator;
  }

  private void noteRepeated() {
    if (splits.repeated() > 0) {
      notes.add(
          String.format(
              Locale.ROOT,
              "%s: %,d of %,d documents (%.1f %%) are equal to earlier ones; equal documents share"
                  + " a split",
              String.join(", ", names),
              splits.repeated(),
              documents(),
              100.0 * splits.repeated() / documents()));
    }
  }

  /**
   * What a user should know about this text, a line each: files named twice, documents that occur
   * more than once, null texts passed over, cached tokens that were damaged.
   */
  public List<String> notes() {
    return List.copyOf(notes);
  }

  /**
   * The windows of one split.
   *
   * @param contextLength tokens of a window, at least 1; 2 where every window begins with the
   *     separator
   * @throws PalimpsestException where the split's text does not fill one window; a text of fewer
   *     than five different documents has empty splits
   */
  public TokenWindows windows(Split split, int contextLength) {
    int least = options.markEveryWindow() ? 2 : 1;
    if (contextLength < least) {
      throw new UsageException(
          "the context length must be at least " + least + ", found " + contextLength);
    }
    SplitDocuments documents = new SplitDocuments(files, separator);
    for (int f = 0; f < files.size(); f++) {
      DocumentIndex index = files.get(f).index();
      for (int d = 0; d < index.documents(); d++) {
        if (splits.of(index.content(d)) == split) {
          documents.add(f, d);
        }
      }
    }
    boolean mark = options.markEveryWindow();
    TokenWindows windows =
        options.withinDocuments()
            ? new DocumentWindows(documents, contextLength, mark)
            : new PackedWindows(documents, contextLength, mark);
    if (windows.size() == 0) {
      throw new PalimpsestException(
          String.format(
              Locale.ROOT,
              "%s: too little text: the split '%s' has %d of %d documents and %d tokens, less than"
                  + " one window of %d%s",
              String.join(", ", names),
              split.name().toLowerCase(Locale.ROOT),
              documents.count(),
              documents(),
              documents.tokens(),
              contextLength,
              options.withinDocuments() ? " within a document" : ""));
    }
    return windows;
  }

  /** Number of documents, blank ones not counted. */
  public long documents() {
    return files.stream().mapToLong(file -> file.index().documents()).sum();
  }

  /** Number of tokens, separators not counted. */
  public long tokens() {
    return files.stream().mapToLong(file -> file.index().tokens()).sum();
  }

  /** The id before every document, see {@link Tokenizer#separator()}. */
  public int separator() {
    return separator;
  }

  /** Ids of the text are below it: the tokenizer's, or without one the model's. */
  public int vocabularySize() {
    return vocabularySize;
  }

  /**
   * A hash that changes with the content of the files, the tokenizer and how windows are cut: two
   * corpora with the same one are the same, up to the seed of their splits.
   */
  public String fingerprint() {
    return fingerprint;
  }

  /** The seed by which documents are dealt to the splits. */
  public long seed() {
    return splits.seed();
  }

  /**
   * Makes sure that a model can read this text.
   *
   * @param size the model's vocabulary
   * @throws PalimpsestException where a token id is not below it
   */
  public void requireVocabulary(int size) {
    for (int f = 0; f < files.size(); f++) {
      int largest = Math.max(files.get(f).index().largestToken(), separator);
      if (largest >= size) {
        throw new PalimpsestException(
            names.get(f)
                + ": token id "
                + largest
                + " is outside the model's vocabulary of "
                + size);
      }
    }
  }

  /**
   * The user's folder for tokenised text: {@code $XDG_CACHE_HOME/palimpsest/tokens}, by default
   * below {@code ~/.cache}.
   */
  public static Path defaultCache() {
    return UserFolders.cache().resolve("tokens");
  }
}
