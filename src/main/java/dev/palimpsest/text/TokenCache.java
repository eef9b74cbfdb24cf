package dev.palimpsest.text;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.FileDigests;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * A folder of tokenised texts and document indexes, each under a hash of the file's content, the
 * tokenizer and what else shapes it. A file is tokenised once; a second process that wants the same
 * waits for the first. Checksums are verified at every opening: what is not whole is made again.
 */
final class TokenCache {
  /** Raised when the form of the cached files, or the way documents are found, changes. */
  private static final String VERSION = "3";

  private static final Object IN_PROCESS = new Object();

  private final Path folder;
  private final TextEncoder encoder;
  private final int separator;
  private final CorpusOptions options;
  private final Consumer<String> notes;

  /**
   * @param notes is told in one line what a user should know
   */
  TokenCache(
      Path folder,
      TextEncoder encoder,
      int separator,
      CorpusOptions options,
      Consumer<String> notes) {
    this.folder = folder;
    this.encoder = encoder;
    this.separator = separator;
    this.options = options;
    this.notes = notes;
  }

  /**
   * The tokens and documents of a text.
   *
   * @param content changes with the file's form and content
   */
  TokenFile open(TextSource source, String content) {
    return source.format() == TextFormat.TOKENS
        ? tokens(source.file(), content)
        : text(source.file(), content);
  }

  private TokenFile text(Path file, String content) {
    String key =
        key(content, encoder.fingerprint(), separator, options.textKey(), options.skipNullTexts());
    Path tokens = folder.resolve(key + ".bin");
    Path index = folder.resolve(key + ".index");
    TokenWidth width = TokenWidth.forVocabulary(encoder.vocabularySize());
    return locked(
        () -> {
          Optional<TokenFile> known = Optional.empty();
          if (Files.exists(index) && Files.exists(tokens)) {
            MappedFile mapped = new MappedFile(tokens);
            known =
                DocumentIndex.open(index)
                    .filter(whole -> whole.describes(mapped))
                    .map(whole -> new TokenFile(mapped, width, whole));
            noteDamage(known, file, "tokens");
          }
          return known.orElseGet(
              () -> {
                long skipped =
                    new TextTokenization(encoder, separator).write(file, options, tokens, index);
                if (skipped > 0) {
                  notes.accept(file + ": " + skipped + " null texts passed over");
                }
                return new TokenFile(new MappedFile(tokens), width, written(index));
              });
        });
  }

  /** A user's own token file, mapped where it lies, with its documents. */
  private TokenFile tokens(Path file, String content) {
    int vocabularySize = encoder.vocabularySize();
    TokenWidth width = options.tokenWidth().orElse(TokenWidth.forVocabulary(vocabularySize));
    Path index = folder.resolve(key(content, width, vocabularySize, separator) + ".index");
    MappedFile tokens = new MappedFile(file);
    return locked(
        () -> {
          Optional<DocumentIndex> known = Optional.empty();
          if (Files.exists(index)) {
            known = DocumentIndex.open(index);
            noteDamage(known, file, "index");
          }
          DocumentIndex documents =
              known.orElseGet(
                  () -> {
                    new TokenFileIndexer(file, width, vocabularySize, separator)
                        .write(index, tokens);
                    return written(index);
                  });
          return new TokenFile(tokens, width, documents);
        });
  }

  private static String key(Object... shapers) {
    return FileDigests.ofText(Json.line(List.of(VERSION, List.of(shapers)))).substring(0, 32);
  }

  private void noteDamage(Optional<?> known, Path file, String what) {
    if (known.isEmpty()) {
      notes.accept(file + ": its " + what + " in " + folder + " damaged, made again");
    }
  }

  private static DocumentIndex written(Path index) {
    return DocumentIndex.open(index)
        .orElseThrow(
            () -> new PalimpsestException(index + ": not what was written to it a moment ago"));
  }

  private TokenFile locked(Supplier<TokenFile> work) {
    Path lockFile = folder.resolve(".lock");
    synchronized (IN_PROCESS) {
      try {
        Files.createDirectories(folder);
        try (FileChannel channel =
                FileChannel.open(lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            FileLock lock = channel.lock()) {
          if (!lock.isValid()) {
            throw new IOException("the lock " + lockFile + " was lost");
          }
          return work.get();
        }
      } catch (IOException failure) {
        throw new PalimpsestException(
            "cannot write to the token cache " + folder + ": " + AtomicFiles.describe(failure),
            failure);
      }
    }
  }
}
