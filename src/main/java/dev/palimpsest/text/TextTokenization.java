package dev.palimpsest.text;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.zip.CRC32C;

/**
 * Tokenises a text file once, in parallel and in bounded memory, into a token file of the same form
 * as a user's own {@code .bin} (every document preceded by the separator) and its document index.
 */
final class TextTokenization {
  /** Characters handed to one task. */
  private static final int TASK_CHARACTERS = 1 << 18;

  /** Characters read ahead of what has been written, beside one task's. */
  private static final long MOST_CHARACTERS = 1 << 25;

  /**
   * The native tokenizer takes some hundred bytes for every character, so longer documents go to it
   * in parts that end before a blank: where words begin with their blank, as in byte-level BPE, the
   * tokens are those of the whole.
   */
  private static final int PART_CHARACTERS = 1 << 18;

  private final TextEncoder encoder;
  private final TokenWidth width;
  private final int separator;
  private final int threads = Runtime.getRuntime().availableProcessors();

  TextTokenization(TextEncoder encoder, int separator) {
    this.encoder = encoder;
    this.width = TokenWidth.forVocabulary(encoder.vocabularySize());
    this.separator = separator;
  }

  /**
   * Writes {@code tokenFile}, then {@code indexFile}; each appears whole or not at all.
   *
   * @return null texts that were passed over
   */
  long write(Path text, CorpusOptions options, Path tokenFile, Path indexFile) {
    long[] skipped = {0};
    AtomicFiles.write(
        indexFile,
        index ->
            AtomicFiles.write(
                tokenFile,
                tokens -> {
                  try (Documents documents = Documents.open(text, options)) {
                    write(documents, tokens, new DocumentIndex.Writer(index), text);
                    skipped[0] = documents.skipped();
                  }
                }));
    return skipped[0];
  }

  private void write(Documents documents, FileChannel tokens, DocumentIndex.Writer index, Path text)
      throws IOException {
    ExecutorService pool = Executors.newFixedThreadPool(threads, TextTokenization::daemon);
    try {
      Output output = new Output(tokens, index);
      ArrayDeque<Task> running = new ArrayDeque<>();
      long characters = 0;
      List<String> batch = nextBatch(documents);
      while (!batch.isEmpty() || !running.isEmpty()) {
        if (batch.isEmpty() || running.size() == 2 * threads || characters > MOST_CHARACTERS) {
          Task done = running.remove();
          output.add(result(done.tokens(), text));
          characters -= done.characters();
        }
        if (!batch.isEmpty()) {
          List<String> next = batch;
          Task task = new Task(pool.submit(() -> encode(next)), characters(next));
          running.add(task);
          characters += task.characters();
          batch = nextBatch(documents);
        }
      }
      output.finish();
    } finally {
      pool.shutdownNow();
    }
  }

  /** Some documents on their way to be tokens. */
  private record Task(Future<List<int[]>> tokens, long characters) {}

  private static long characters(List<String> documents) {
    return documents.stream().mapToLong(String::length).sum();
  }

  private static List<String> nextBatch(Documents documents) {
    List<String> batch = new ArrayList<>();
    for (int characters = 0; characters < TASK_CHARACTERS; ) {
      Optional<String> document = documents.next();
      if (document.isEmpty()) {
        break;
      }
      batch.add(document.get());
      characters += document.get().length();
    }
    return batch;
  }

  private List<int[]> encode(List<String> documents) {
    List<int[]> encoded = new ArrayList<>(documents.size());
    for (String document : documents) {
      encoded.add(encode(document));
    }
    return encoded;
  }

  private int[] encode(String document) {
    if (document.length() <= PART_CHARACTERS) {
      return encoder.encode(document);
    }
    List<int[]> parts = new ArrayList<>();
    for (int from = 0; from < document.length(); ) {
      int to = partEnd(document, from);
      parts.add(encoder.encode(document.substring(from, to)));
      from = to;
    }
    return parts.stream().flatMapToInt(Arrays::stream).toArray();
  }

  /** The last place within a part's length that is before a blank, with none before it. */
  private static int partEnd(String document, int from) {
    int most = from + PART_CHARACTERS;
    if (most >= document.length()) {
      return document.length();
    }
    for (int to = most; to > from + PART_CHARACTERS / 2; to--) {
      if (document.charAt(to) == ' '
          && !Character.isWhitespace(document.charAt(to - 1))
          && !Character.isWhitespace(document.charAt(to + 1))) {
        return to;
      }
    }
    return Character.isHighSurrogate(document.charAt(most - 1)) ? most - 1 : most;
  }

  private static List<int[]> result(Future<List<int[]>> future, Path text) {
    try {
      return future.get();
    } catch (ExecutionException failure) {
      if (failure.getCause() instanceof PalimpsestException known) {
        throw known;
      }
      throw new PalimpsestException("cannot tokenise " + text + ": " + failure.getCause(), failure);
    } catch (InterruptedException interruption) {
      Thread.currentThread().interrupt();
      throw new PalimpsestException("interrupted while tokenising " + text, interruption);
    }
  }

  private static Thread daemon(Runnable task) {
    Thread thread = new Thread(task, "tokenizer");
    thread.setDaemon(true);
    return thread;
  }

  /** Token ids to the channel, document places to the index. */
  private final class Output {
    private final FileChannel channel;
    private final DocumentIndex.Writer index;
    private final ByteBuffer buffer = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
    private final CRC32C checksum = new CRC32C();
    private final ContentHash content = new ContentHash();
    private long place;

    Output(FileChannel channel, DocumentIndex.Writer index) {
      this.channel = channel;
      this.index = index;
    }

    void add(List<int[]> documents) throws IOException {
      for (int[] document : documents) {
        put(separator);
        long start = place;
        int largest = 0;
        for (int token : document) {
          put(token);
          content.add(token);
          largest = Math.max(largest, token);
        }
        index.add(start, place, largest, content.take());
      }
    }

    private void put(int token) throws IOException {
      if (buffer.remaining() < width.bytes()) {
        flush();
      }
      if (width == TokenWidth.U16) {
        buffer.putShort((short) token);
      } else {
        buffer.putInt(token);
      }
      place++;
    }

    void finish() throws IOException {
      flush();
      index.finish(checksum.getValue());
    }

    private void flush() throws IOException {
      buffer.flip();
      checksum.update(buffer.duplicate());
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
      buffer.clear();
    }
  }
}
