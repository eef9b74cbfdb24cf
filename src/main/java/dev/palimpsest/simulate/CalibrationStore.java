package dev.palimpsest.simulate;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Calibrations as JSON Lines: a line about the whole, then one line a latent. */
public final class CalibrationStore {
  private CalibrationStore() {}

  private record Head(int latents, long tokens) {}

  /** One latent; the activations of both maps belong to the same ratings. */
  @SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
  private record Line(
      int latent,
      float maximum,
      float density,
      boolean borrowed,
      float[] ratings,
      float[] quantile,
      float[] conditionalMean) {}

  /** Replaces the file in one step. */
  public static void write(Path file, CalibrationSet set) {
    AtomicFiles.write(
        file,
        channel -> {
          append(channel, new Head(set.maxima().length, set.tokens()));
          for (int i = 0; i < set.maxima().length; i++) {
            append(
                channel,
                new Line(
                    i,
                    set.maxima()[i],
                    set.densities()[i],
                    set.borrowed()[i],
                    set.conditionalMean()[i].ratings(),
                    set.quantile()[i].activations(),
                    set.conditionalMean()[i].activations()));
          }
        });
  }

  private static void append(FileChannel channel, Record line) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap((Json.line(line) + "\n").getBytes(StandardCharsets.UTF_8));
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  /**
   * @throws PalimpsestException naming the file and what is wrong with it
   */
  public static CalibrationSet read(Path file) {
    try (BufferedReader lines = Files.newBufferedReader(file)) {
      Head head = parse(file, lines, 1, Head.class);
      int latents = head.latents();
      float[] maxima = new float[latents];
      float[] densities = new float[latents];
      boolean[] borrowed = new boolean[latents];
      CalibrationMap[] quantile = new CalibrationMap[latents];
      CalibrationMap[] mean = new CalibrationMap[latents];
      for (int i = 0; i < latents; i++) {
        Line line = parse(file, lines, i + 2, Line.class);
        int levels = line.ratings().length;
        if (line.latent() != i
            || levels == 0
            || line.quantile().length != levels
            || line.conditionalMean().length != levels) {
          throw new PalimpsestException(
              file + " line " + (i + 2) + ": not a whole calibration of latent " + i);
        }
        maxima[i] = line.maximum();
        densities[i] = line.density();
        borrowed[i] = line.borrowed();
        quantile[i] = new CalibrationMap(line.ratings(), line.quantile());
        mean[i] = new CalibrationMap(line.ratings(), line.conditionalMean());
      }
      return new CalibrationSet(head.tokens(), maxima, densities, borrowed, quantile, mean);
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot read " + file + ": " + AtomicFiles.describe(failure), failure);
    }
  }

  private static <T> T parse(Path file, BufferedReader lines, int number, Class<T> type)
      throws IOException {
    String line = lines.readLine();
    if (line == null) {
      throw new PalimpsestException(file + ": ends before line " + number);
    }
    try {
      return Json.MAPPER.readValue(line, type);
    } catch (JsonProcessingException failure) {
      throw new PalimpsestException(
          file + " line " + number + ": " + failure.getOriginalMessage(), failure);
    }
  }
}
