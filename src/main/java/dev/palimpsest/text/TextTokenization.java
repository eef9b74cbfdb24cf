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
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.zip.CRC32C;

/**
 * Tokenises a text file once, in parallel and in bounded memory, into a token file of the same form
 * as a user's own {@code .bin} (every document preceded by the end-of-text id) and its document
 * index.
 */
final class TextTokenization {
  /** Characters handed to one task. */
  private static final int TASK_CHARACTERS = 1 << 18;

  private final TextEncoder encoder;
  private final TokenWidth width;
  private final int endOfText;
  private final int threads = Runtime.getRuntime().availableProcessors();

  TextTokenization(TextEncoder encoder, int endOfText) {
    this.encoder = encoder;
    this.width = TokenWidth.forVocabulary(encoder.vocabularySize());
    this.endOfText = endOfText;
  }

  /** Writes {@code tokenFile}, then {@code indexFile}; each appears whole or not at all. */
  void write(Path text, String textKey, Path tokenFile, Path indexFile) {
    AtomicFiles.write(
        indexFile,
        index ->
            AtomicFiles.write(
                tokenFile,
                tokens -> {
                  try (Documents documents = Documents.open(text, textKey)) {
                    write(documents, tokens, new DocumentIndex.Writer(index), text);
                  }
                }));
  }

  private void write(Documents documents, FileChannel tokens, DocumentIndex.Writer index, Path text)
      throws IOException {
    ExecutorService pool = Executors.newFixedThreadPool(threads, TextTokenization::daemon);
    try {
      Output output = new Output(tokens, index);
      ArrayDeque<Future<List<int[]>>> running = new ArrayDeque<>();
      List<String> batch = nextBatch(documents);
      while (!batch.isEmpty() || !running.isEmpty()) {
        if (batch.isEmpty() || running.size() == 2 * threads) {
          output.add(result(running.remove(), text));
        }
        if (!batch.isEmpty()) {
          List<String> task = batch;
          running.add(pool.submit(() -> encode(task)));
          batch = nextBatch(documents);
        }
      }
      output.finish();
    } finally {
      pool.shutdownNow();
    }
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
      encoded.add(encoder.encode(document));
    }
    return encoded;
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
        put(endOfText);
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
