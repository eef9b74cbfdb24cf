package dev.palimpsest.base;

import java.io.BufferedInputStream;
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
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * The lines of a UTF-8 file, plain or gzip, with their numbers. Unlike a {@code BufferedReader} it
 * can say in which line the bytes stop being UTF-8 and what they seem to be, and needs no more
 * memory than the line it reads. A byte-order mark at the beginning is dropped; lines keep their
 * ends. Whether a file is compressed is told by its first bytes, never by its name.
 */
public final class Utf8Lines implements AutoCloseable {
  /** The most bytes that {@link #next} takes for one line: 32 MiB. */
  public static final int LONGEST = 32 << 20;

  private static final int PIECE = 1 << 16;

  private final Path file;
  private final InputStream in;
  private final CharsetDecoder decoder =
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPORT)
          .onUnmappableCharacter(CodingErrorAction.REPORT);
  private byte[] buffer = new byte[PIECE];
  private int start;
  private int end;
  private int moved;
  private boolean inLine;
  private long number;

  private Utf8Lines(Path file, InputStream in) {
    this.file = file;
    this.in = in;
  }

  /**
   * Opens a file.
   *
   * @throws PalimpsestException naming the file where it cannot be read, is a Git LFS pointer, or
   *     is text in UTF-16 or UTF-32
   */
  public static Utf8Lines open(Path file) {
    LfsPointer.refuse(file);
    Utf8Lines lines;
    try {
      InputStream raw = new BufferedInputStream(Files.newInputStream(file), PIECE);
      lines = new Utf8Lines(file, isGzip(raw) ? unpacked(file, raw) : raw);
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot read " + file + ": " + AtomicFiles.describe(failure), failure);
    }
    try {
      lines.begin();
      return lines;
    } catch (RuntimeException failure) {
      lines.close();
      throw failure;
    }
  }

  /** Whether a file is compressed by gzip, by its first two bytes. */
  public static boolean isGzip(Path file) {
    try (InputStream raw = new BufferedInputStream(Files.newInputStream(file), 2)) {
      return isGzip(raw);
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot read " + file + ": " + AtomicFiles.describe(failure), failure);
    }
  }

  private static boolean isGzip(InputStream raw) throws IOException {
    raw.mark(2);
    boolean gzip = raw.read() == 0x1F && raw.read() == 0x8B;
    raw.reset();
    return gzip;
  }

  private static InputStream unpacked(Path file, InputStream raw) throws IOException {
    try {
      return new GZIPInputStream(raw, PIECE);
    } catch (ZipException | EOFException failure) {
      raw.close();
      throw new PalimpsestException(file + ": damaged or truncated gzip file", failure);
    }
  }

  private void begin() {
    while (end < TextEncoding.SAMPLE && fill()) {
      // Until there is enough to look at.
    }
    TextEncoding.foreign(buffer, end)
        .ifPresent(
            encoding -> {
              throw new PalimpsestException(
                  file + ": " + encoding + " text, expected UTF-8; iconv converts it");
            });
    boolean mark =
        end >= 3
            && buffer[0] == (byte) 0xEF
            && buffer[1] == (byte) 0xBB
            && buffer[2] == (byte) 0xBF;
    start = mark ? 3 : 0;
  }

  /** The file. */
  public Path file() {
    return file;
  }

  /** The 1-based number of the line that was given last, whole or in part. */
  public long number() {
    return number;
  }

  /** File and line, for messages. */
  public String place() {
    return file + " line " + number;
  }

  /**
   * The next line with its end (which the last may lack), or empty at the end of the file.
   *
   * @throws PalimpsestException naming file and line where it is longer than {@link #LONGEST} or
   *     not UTF-8
   */
  public Optional<String> next() {
    int scanned = start;
    while (true) {
      while (scanned < end && buffer[scanned] != '\n') {
        scanned++;
      }
      boolean whole = scanned < end;
      if ((whole ? scanned + 1 : scanned) - start > LONGEST) {
        number++;
        throw new PalimpsestException(
            String.format(
                Locale.ROOT,
                "%s: longer than %d MiB, the most that one line may have",
                place(),
                LONGEST >> 20));
      }
      if (whole) {
        return Optional.of(take(scanned + 1));
      }
      if (!fill()) {
        return start == end ? Optional.empty() : Optional.of(take(end));
      }
      scanned -= moved;
    }
  }

  /**
   * The next line, or the next part of it where it is long: 64 KiB at most, cut between characters.
   * So lines of any length can be read. A part that does not end in a line feed is not the line's
   * last, unless the file ends with it.
   */
  public Optional<String> nextPiece() {
    int scanned = start;
    while (true) {
      int most = Math.min(end, start + PIECE);
      while (scanned < most && buffer[scanned] != '\n') {
        scanned++;
      }
      if (scanned < most) {
        return Optional.of(take(scanned + 1));
      }
      if (most - start == PIECE) {
        return Optional.of(take(beforeCharacter(most)));
      }
      if (!fill()) {
        return start == end ? Optional.empty() : Optional.of(take(end));
      }
      scanned -= moved;
    }
  }

  /** The last place up to {@code most} that is not inside a character. */
  private int beforeCharacter(int most) {
    int cut = most;
    while (cut > most - 4 && cut > start && (buffer[cut - 1] & 0xC0) == 0x80) {
      cut--;
    }
    int lead = cut > start ? buffer[cut - 1] & 0xFF : 0;
    int length = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    return lead >= 0xC0 && cut - 1 > start && cut - 1 + length > most ? cut - 1 : most;
  }

  private String take(int stop) {
    number += inLine ? 0 : 1;
    inLine = buffer[stop - 1] != '\n';
    ByteBuffer bytes = ByteBuffer.wrap(buffer, start, stop - start);
    try {
      String text = decoder.decode(bytes).toString();
      start = stop;
      if (buffer.length > 2 * PIECE && end - start <= PIECE) {
        buffer = Arrays.copyOfRange(buffer, start, start + PIECE);
        end -= start;
        start = 0;
      }
      return text;
    } catch (CharacterCodingException failure) {
      int bad = bytes.position();
      throw new PalimpsestException(
          String.format(
              Locale.ROOT,
              "%s: not UTF-8 text at its byte %d (0x%02X), seems to be %s; iconv converts it",
              place(),
              bad - start + 1,
              buffer[bad] & 0xFF,
              TextEncoding.seems(buffer, start, stop)),
          failure);
    }
  }

  /**
   * Reads more behind what is held, which moves to the front by {@link #moved}; false at the end of
   * the file.
   */
  private boolean fill() {
    moved = start;
    if (start > 0) {
      System.arraycopy(buffer, start, buffer, 0, end - start);
      end -= start;
      start = 0;
    }
    if (end == buffer.length) {
      buffer = Arrays.copyOf(buffer, 2 * end);
    }
    try {
      int read = in.read(buffer, end, buffer.length - end);
      end += Math.max(0, read);
      return read >= 0;
    } catch (ZipException | EOFException failure) {
      throw new PalimpsestException(file + ": damaged or truncated gzip file", failure);
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot read " + file + ": " + AtomicFiles.describe(failure), failure);
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
