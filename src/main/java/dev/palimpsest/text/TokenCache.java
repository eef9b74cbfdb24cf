package dev.palimpsest.text;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A folder of tokenised texts and document indexes, each under a hash of the file's content, the
 * tokenizer and what else shapes it. A file is tokenised once; a second process that wants the same
 * waits for the first.
 */
final class TokenCache {
  /** Raised when the form of the cached files, or the way documents are found, changes. */
  private static final String VERSION = "2";

  private static final Object IN_PROCESS = new Object();

  private final Path folder;

  TokenCache(Path folder) {
    this.folder = folder;
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
    locked(
        () -> {
          if (!Files.exists(index) || !Files.exists(tokens)) {
            new TextTokenization(encoder, endOfText).write(file, textKey, tokens, index);
          }
        });
    TokenWidth width = TokenWidth.forVocabulary(encoder.vocabularySize());
    return new TokenFile(new MappedFile(tokens), width, DocumentIndex.open(index));
  }

  /** A user's own token file, mapped where it lies, with its documents. */
  TokenFile tokens(Path file, String fingerprint, TokenFileIndexer indexer) {
    String key = FileFingerprint.of(VERSION, fingerprint, indexer.describe());
    Path index = folder.resolve(key + ".index");
    MappedFile tokens = new MappedFile(file);
    locked(
        () -> {
          if (!Files.exists(index)) {
            indexer.write(index, tokens);
          }
        });
    return new TokenFile(tokens, indexer.width(), DocumentIndex.open(index));
  }

  private void locked(Runnable work) {
    Path lockFile = folder.resolve(".lock");
    synchronized (IN_PROCESS) {
      try {
        Files.createDirectories(folder);
        try (FileChannel channel =
                FileChannel.open(lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            FileLock lock = channel.lock()) {
          if (lock.isValid()) {
            work.run();
          }
        }
      } catch (IOException failure) {
        throw new PalimpsestException(
            "cannot write to the token cache " + folder + ": " + AtomicFiles.describe(failure),
            failure);
      }
    }
  }
}
