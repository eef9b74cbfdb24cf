package dev.palimpsest.text;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.base.UserFolders;
import dev.palimpsest.model.ModelSource;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;

/**
 * Text as token ids: any number of files, tokenised once and memory-mapped, their documents dealt
 * to the five {@link Split}s.
 *
 * <p>Formats, by name: plain text (a document a file, or parts between {@code <|endoftext|>} marks;
 * long ones are cut at blank lines), {@code .jsonl} (one object a line, text under a key), both
 * also as {@code .gz}; {@code .bin} token files (unsigned ids, 16 or 32 bits little-endian, the
 * end-of-text id between documents); the word {@code embedded} stands for the stories inside the
 * program.
 */
public final class Corpus {
  private final List<String> names;
  private final List<TokenFile> files;
  private final int endOfText;
  private final DocumentSplits splits;
  private final String fingerprint;
  private final List<String> notes;

  private Corpus(
      List<String> names,
      List<TokenFile> files,
      int endOfText,
      DocumentSplits splits,
      String fingerprint,
      List<String> notes) {
    this.names = names;
    this.files = files;
    this.endOfText = endOfText;
    this.splits = splits;
    this.fingerprint = fingerprint;
    this.notes = notes;
  }

  /**
   * Opens text for a model with a tokenizer.
   *
   * @param sources files, or the word {@code embedded}
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
   * tokenizer.json}, token files alone, with the end-of-text id of {@code options} or of the
   * model's {@code config.json}.
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
    OptionalInt endOfText = OptionalInt.empty();
    for (String key : List.of("eos_token_id", "bos_token_id")) {
      JsonNode value = config.path(key);
      JsonNode id = value.isArray() ? value.path(0) : value;
      if (id.canConvertToInt()) {
        endOfText = OptionalInt.of(id.intValue());
      }
    }
    return openTokens(
        sources, vocabularySize, seed, cache, options.withDefaultEndOfText(endOfText));
  }

  /**
   * Opens token files for a model that comes without a tokenizer; a source that is text is an
   * error.
   *
   * @param vocabularySize the model's
   * @param options must name the end-of-text id
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
    OptionalInt mark = options.endOfText().isPresent() ? options.endOfText() : encoder.endOfText();
    int endOfText =
        mark.orElseThrow(
            () ->
                new UsageException(
                    "the tokenizer names no end-of-text token to put between documents: give its id"
                        + " (--end-of-text)"));
    if (endOfText < 0 || endOfText >= encoder.vocabularySize()) {
      throw new UsageException(
          "the end-of-text id "
              + endOfText
              + " is outside the vocabulary of "
              + encoder.vocabularySize());
    }
    List<String> notes = new ArrayList<>();
    TokenCache cache = new TokenCache(cacheFolder, notes::add);
    List<String> names = new ArrayList<>();
    List<TokenFile> files = new ArrayList<>();
    Map<String, String> read = new HashMap<>();
    StringBuilder all = new StringBuilder(encoder.fingerprint()).append(endOfText);
    for (String source : sources) {
      Path path = resolve(source, cacheFolder);
      String fingerprint = FileFingerprint.of(path);
      String same = read.putIfAbsent(TextFormat.of(path) + fingerprint, source);
      if (same != null) {
        notes.add(source + ": the same text as " + same + ", read once");
        continue;
      }
      TokenFile file;
      if (TextFormat.of(path) == TextFormat.TOKENS) {
        TokenWidth width =
            options.tokenWidth().orElse(TokenWidth.forVocabulary(encoder.vocabularySize()));
        TokenFileIndexer indexer =
            new TokenFileIndexer(path, width, encoder.vocabularySize(), endOfText);
        file = cache.tokens(path, fingerprint, indexer);
      } else {
        file = cache.text(path, fingerprint, encoder, endOfText, options.textKey());
      }
      if (file.index().documents() == 0) {
        throw new PalimpsestException(source + ": no text in it");
      }
      names.add(source);
      files.add(file);
      all.append(' ').append(fingerprint);
    }
    String key =
        FileFingerprint.of(all.toString(), options.textKey(), options.tokenWidth().toString());
    DocumentSplits splits = DocumentSplits.of(files.stream().map(TokenFile::index).toList(), seed);
    Corpus corpus = new Corpus(names, files, endOfText, splits, key, notes);
    corpus.noteRepeated();
    return corpus;
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
   * more than once, cached tokens that were damaged.
   */
  public List<String> notes() {
    return List.copyOf(notes);
  }

  /**
   * The windows of one split.
   *
   * @param contextLength tokens of a window, at least 1
   * @throws PalimpsestException where the split's text does not fill one window; a text of fewer
   *     than five different documents has empty splits
   */
  public TokenWindows windows(Split split, int contextLength) {
    if (contextLength < 1) {
      throw new UsageException("the context length must be at least 1, found " + contextLength);
    }
    PackedWindows.Builder builder = new PackedWindows.Builder();
    long document = 0;
    for (int f = 0; f < files.size(); f++) {
      DocumentIndex index = files.get(f).index();
      for (int d = 0; d < index.documents(); d++, document++) {
        if (splits.of(index.content(d)) == split) {
          builder.add(f, d, index.end(d) - index.start(d));
        }
      }
    }
    if (builder.tokens() < contextLength) {
      throw new PalimpsestException(
          String.join(", ", names)
              + ": too little text: the split '"
              + split.name().toLowerCase(Locale.ROOT)
              + "' has "
              + builder.documents()
              + " of "
              + document
              + " documents and "
              + builder.tokens()
              + " tokens, less than one window of "
              + contextLength);
    }
    return builder.build(files, endOfText, contextLength);
  }

  /** Number of documents, blank ones not counted. */
  public long documents() {
    return files.stream().mapToLong(file -> file.index().documents()).sum();
  }

  /** Number of tokens, end-of-text tokens between documents not counted. */
  public long tokens() {
    return files.stream().mapToLong(file -> file.index().tokens()).sum();
  }

  /** The id between documents. */
  public int endOfText() {
    return endOfText;
  }

  /**
   * A hash that changes with the content of the files or the tokenizer: two corpora with the same
   * one are the same.
   */
  public String fingerprint() {
    return fingerprint;
  }

  /**
   * Makes sure that a model can read this text.
   *
   * @param vocabularySize the model's
   * @throws PalimpsestException where a token id is not below it
   */
  public void requireVocabulary(int vocabularySize) {
    for (int f = 0; f < files.size(); f++) {
      int largest = Math.max(files.get(f).index().largestToken(), endOfText);
      if (largest >= vocabularySize) {
        throw new PalimpsestException(
            names.get(f)
                + ": token id "
                + largest
                + " is outside the model's vocabulary of "
                + vocabularySize);
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

  private static Path resolve(String source, Path cacheFolder) {
    if (source.equals(ModelSource.EMBEDDED)) {
      return embeddedStories(cacheFolder);
    }
    Path path = Path.of(source);
    if (Files.isDirectory(path)) {
      throw new UsageException(source + " is a folder; name the text files in it");
    }
    if (!Files.exists(path)) {
      throw new UsageException(
          "no such text file: " + source + " (or the word " + ModelSource.EMBEDDED + ")");
    }
    return path;
  }

  /** The resource's own file, or, when it is inside a jar, a copy of it in the cache. */
  private static Path embeddedStories(Path cacheFolder) {
    String name = "/embedded/stories.jsonl";
    URL resource = Objects.requireNonNull(Corpus.class.getResource(name), name);
    try {
      URI location = resource.toURI();
      if ("file".equals(location.getScheme())) {
        return Path.of(location);
      }
    } catch (URISyntaxException failure) {
      throw new IllegalStateException("a resource without a proper address: " + resource, failure);
    }
    Path copy = cacheFolder.resolve("embedded-stories.jsonl");
    try (InputStream stream = resource.openStream()) {
      byte[] bytes = stream.readAllBytes();
      if (!Files.exists(copy) || Files.size(copy) != bytes.length) {
        AtomicFiles.writeBytes(copy, bytes);
      }
      return copy;
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot unpack the embedded text to " + copy + ": " + AtomicFiles.describe(failure),
          failure);
    }
  }
}
