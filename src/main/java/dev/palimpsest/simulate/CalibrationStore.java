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
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * Calibrations as JSON Lines: a line about the whole, one line a latent, and a last line with the
 * SHA-256 of the bytes before it, so that a damaged file is found before it is used.
 */
public final class CalibrationStore {
  /** More than this is no number of latents. */
  private static final int MOST_LATENTS = 1 << 24;

  private CalibrationStore() {}

  /**
   * @param output mean output of the module [d]
   */
  @SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
  private record Head(int latents, long tokens, float @Nullable [] output) {}

  /** One latent; the activations of both maps belong to the same ratings. */
  @SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
  private record Line(
      int latent,
      float maximum,
      float mean,
      float density,
      boolean borrowed,
      float @Nullable [] ratings,
      float @Nullable [] quantile,
      float @Nullable [] conditionalMean) {}

  private record Tail(@Nullable String sha256) {}

  /** Replaces the file in one step. */
  public static void write(Path file, CalibrationSet set) {
    AtomicFiles.write(
        file,
        channel -> {
          MessageDigest digest = sha256();
          append(
              channel, digest, new Head(set.maxima().length, set.tokens(), set.means().output()));
          for (int i = 0; i < set.maxima().length; i++) {
            append(
                channel,
                digest,
                new Line(
                    i,
                    set.maxima()[i],
                    set.means().latents()[i],
                    set.densities()[i],
                    set.borrowed()[i],
                    set.conditionalMean()[i].ratings(),
                    set.quantile()[i].activations(),
                    set.conditionalMean()[i].activations()));
          }
          append(channel, sha256(), new Tail(HexFormat.of().formatHex(digest.digest())));
        });
  }

  private static void append(FileChannel channel, MessageDigest digest, Record line)
      throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(bytes(Json.line(line)));
    digest.update(bytes.duplicate());
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  /**
   * @throws PalimpsestException naming the file and what is wrong with it
   */
  public static CalibrationSet read(Path file) {
    try (BufferedReader lines = Files.newBufferedReader(file)) {
      return new Reader(file, lines).read();
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot read " + file + ": " + AtomicFiles.describe(failure), failure);
    }
  }

  /** Reads one file from its beginning to its end. */
  private static final class Reader {
    private final Path file;
    private final BufferedReader lines;
    private final MessageDigest digest = sha256();
    private int number;

    Reader(Path file, BufferedReader lines) {
      this.file = file;
      this.lines = lines;
    }

    CalibrationSet read() throws IOException {
      Head head = parse(next(), Head.class);
      float[] output = required(head.output(), "output");
      int latents = head.latents();
      if (latents < 1 || latents > MOST_LATENTS || head.tokens() < 0) {
        throw fault(latents + " latents and " + head.tokens() + " tokens describe no calibrations");
      }
      Growing found = new Growing();
      for (int i = 0; i < latents; i++) {
        Line line = parse(next(), Line.class);
        if (line.latent() != i) {
          throw fault("found latent " + line.latent() + ", expected " + i);
        }
        found.add(line);
      }
      String sha256 = HexFormat.of().formatHex(digest.digest());
      Tail tail = parse(next(), Tail.class);
      if (!sha256.equals(tail.sha256())) {
        throw fault("the checksum differs: the file is damaged; fit the calibrations again");
      }
      return found.set(head.tokens(), output);
    }

    /** The latents read so far: memory follows the lines that are there, not the head's number. */
    private final class Growing {
      private final java.util.List<Line> read = new java.util.ArrayList<>();
      private final java.util.List<CalibrationMap> quantile = new java.util.ArrayList<>();
      private final java.util.List<CalibrationMap> mean = new java.util.ArrayList<>();

      void add(Line line) {
        float[] ratings = required(line.ratings(), "ratings");
        quantile.add(map(ratings, required(line.quantile(), "quantile")));
        mean.add(map(ratings, required(line.conditionalMean(), "conditional_mean")));
        if (!notNegative(line.maximum()) || !notNegative(line.mean()) || !share(line.density())) {
          throw fault("maximum, mean or density is not a number from 0 on");
        }
        read.add(
            new Line(
                line.latent(),
                line.maximum(),
                line.mean(),
                line.density(),
                line.borrowed(),
                null,
                null,
                null));
      }

      CalibrationSet set(long tokens, float[] output) {
        int latents = read.size();
        float[] maxima = new float[latents];
        float[] means = new float[latents];
        float[] densities = new float[latents];
        boolean[] borrowed = new boolean[latents];
        for (int i = 0; i < latents; i++) {
          maxima[i] = read.get(i).maximum();
          means[i] = read.get(i).mean();
          densities[i] = read.get(i).density();
          borrowed[i] = read.get(i).borrowed();
        }
        return new CalibrationSet(
            tokens,
            new CalibrationMeans(output, means),
            maxima,
            densities,
            borrowed,
            quantile.toArray(CalibrationMap[]::new),
            mean.toArray(CalibrationMap[]::new));
      }
    }

    private CalibrationMap map(float[] ratings, float[] activations) {
      if (ratings.length == 0 || ratings.length != activations.length) {
        throw fault(
            "found "
                + ratings.length
                + " ratings and "
                + activations.length
                + " activations, expected as many, at least one");
      }
      for (int i = 0; i < ratings.length; i++) {
        if (!Float.isFinite(ratings[i])
            || !notNegative(activations[i])
            || (i > 0 && (ratings[i] <= ratings[i - 1] || activations[i] < activations[i - 1]))) {
          throw fault("ratings and activations must be finite and ascend");
        }
      }
      return new CalibrationMap(ratings, activations);
    }

    private static boolean notNegative(float value) {
      return Float.isFinite(value) && value >= 0;
    }

    private static boolean share(float value) {
      return value >= 0 && value <= 1;
    }

    private float[] required(float @Nullable [] values, String name) {
      if (values == null) {
        throw fault("no \"" + name + "\"");
      }
      for (float value : values) {
        if (!Float.isFinite(value)) {
          throw fault("\"" + name + "\" holds what is no finite number");
        }
      }
      return values;
    }

    private String next() throws IOException {
      String line = lines.readLine();
      number++;
      if (line == null) {
        throw fault("the file ends here");
      }
      return line;
    }

    private <T extends Record> T parse(String line, Class<T> type) {
      T value;
      try {
        value = Json.MAPPER.readValue(line, type);
      } catch (JsonProcessingException failure) {
        throw fault(failure.getOriginalMessage());
      }
      if (value == null) {
        throw fault("found null, expected an object");
      }
      digest.update(bytes(line));
      return value;
    }

    private PalimpsestException fault(String what) {
      return new PalimpsestException(file + " line " + number + ": " + what);
    }
  }

  private static byte[] bytes(String line) {
    return (line + "\n").getBytes(StandardCharsets.UTF_8);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException("every Java has SHA-256", impossible);
    }
  }
}
