package dev.palimpsest.text;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * The lines of a UTF-8 file, plain or gzip, with their numbers. Unlike a {@code BufferedReader} it
 * can say in which line the bytes stop being UTF-8. A leading byte-order mark is dropped; lines
 * keep their line feed.
 */
final class ByteLines implements AutoCloseable {
  /** A line longer than this is a mistake, or more than can be held in memory safely. */
  private static final int LONGEST_LINE = 256 << 20;

  private static final int BUFFER = 1 << 16;

  private final Path file;
  private final InputStream in;
  private final CharsetDecoder decoder =
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPORT)
          .onUnmappableCharacter(CodingErrorAction.REPORT);
  private final byte[] buffer = new byte[BUFFER];
  private int start;
  private int end;
  private long number;

  private ByteLines(Path file, InputStream in) {
    this.file = file;
    this.in = in;
  }

  static ByteLines open(Path file) throws IOException {
    InputStream raw = Files.newInputStream(file);
    if (!TextFormat.isCompressed(file)) {
      return new ByteLines(file, raw);
    }
    try {
      return new ByteLines(file, new GZIPInputStream(new BufferedInputStream(raw, BUFFER), BUFFER));
    } catch (ZipException | EOFException failure) {
      raw.close();
      throw new PalimpsestException(file + ": not a gzip file", failure);
    } catch (IOException failure) {
      raw.close();
      throw failure;
    }
  }

  Path file() {
    return file;
  }

  /** The 1-based number of the line that {@link #next()} gave last. */
  long number() {
    return number;
  }

  /** The next line with its line feed (which the last may lack), or empty at the end. */
  Optional<String> next() {
    ByteArrayOutputStream carried = null;
    while (true) {
      if (start == end && !fill()) {
        return carried == null ? Optional.empty() : Optional.of(decode(carried.toByteArray()));
      }
      int feed = start;
      while (feed < end && buffer[feed] != '\n') {
        feed++;
      }
      int stop = feed < end ? feed + 1 : end;
      int from = start;
      start = stop;
      if (feed < end && carried == null) {
        return Optional.of(decode(ByteBuffer.wrap(buffer, from, stop - from)));
      }
      if (carried == null) {
        carried = new ByteArrayOutputStream(2 * BUFFER);
      }
      carried.write(buffer, from, stop - from);
      if (carried.size() > LONGEST_LINE) {
        throw new PalimpsestException(
            file + " line " + (number + 1) + ": longer than " + (LONGEST_LINE >> 20) + " MiB");
      }
      if (feed < end) {
        return Optional.of(decode(carried.toByteArray()));
      }
    }
  }

  private boolean fill() {
    try {
      start = 0;
      end = Math.max(0, in.read(buffer));
      return end > 0;
    } catch (ZipException | EOFException failure) {
      throw new PalimpsestException(file + ": damaged or truncated gzip file", failure);
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot read " + file + ": " + AtomicFiles.describe(failure), failure);
    }
  }

  private String decode(byte[] bytes) {
    return decode(ByteBuffer.wrap(bytes));
  }

  private String decode(ByteBuffer bytes) {
    number++;
    try {
      String line = decoder.decode(bytes).toString();
      return number == 1 && line.startsWith("\uFEFF") ? line.substring(1) : line;
    } catch (CharacterCodingException failure) {
      throw new PalimpsestException(file + " line " + number + ": not UTF-8 text", failure);
    }
  }

  @Override
  public void close() {
    try {
      in.close();
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot close " + file + ": " + AtomicFiles.describe(failure), failure);
    }
  }
}
