package dev.palimpsest.text;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * A folder of tokenised texts and document indexes, each under a hash of the file's content, the
 * tokenizer and what else shapes it. A file is tokenised once; a second process that wants the same
 * waits for the first.
 */
final class TokenCache {
  /** Raised when the form of the cached files, or the way documents are found, changes. */
  private static final String VERSION = "3";

  private static final Object IN_PROCESS = new Object();

  private final Path folder;

  private final Consumer<String> notes;

  /**
   * @param notes is told in one line what a user should know
   */
  TokenCache(Path folder, Consumer<String> notes) {
    this.folder = folder;
    this.notes = notes;
  }

  /** The tokens and documents of a text file. */
  TokenFile text(
      Path file, String fingerprint, TextEncoder encoder, int endOfText, String textKey) {
    String key =
        FileFingerprint.of(
            VERSION,
            fingerprint,
            TextFormat.of(file).name(),
            encoder.fingerprint(),
            textKey,
            Integer.toString(endOfText));
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
            if (known.isEmpty()) {
              notes.accept(file + ": its tokens in " + folder + " are damaged and made again");
            }
          }
          return known.orElseGet(
              () -> {
                new TextTokenization(encoder, endOfText).write(file, textKey, tokens, index);
                return new TokenFile(new MappedFile(tokens), width, written(index));
              });
        });
  }

  /** A user's own token file, mapped where it lies, with its documents. */
  TokenFile tokens(Path file, String fingerprint, TokenFileIndexer indexer) {
    String key = FileFingerprint.of(VERSION, fingerprint, indexer.describe());
    Path index = folder.resolve(key + ".index");
    MappedFile tokens = new MappedFile(file);
    return locked(
        () -> {
          Optional<DocumentIndex> known = Optional.empty();
          if (Files.exists(index)) {
            known = DocumentIndex.open(index);
            if (known.isEmpty()) {
              notes.accept(file + ": its index in " + folder + " is damaged and made again");
            }
          }
          return new TokenFile(
              tokens,
              indexer.width(),
              known.orElseGet(
                  () -> {
                    indexer.write(index, tokens);
                    return written(index);
                  }));
        });
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
