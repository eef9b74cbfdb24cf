package dev.palimpsest.latents;

import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A latent cache on disk, read one latent at a time; only the tokens and the counts are kept in
 * memory. Safe for concurrent readers.
 */
public final class LatentCache implements AutoCloseable {
  private final CacheHeader header;
  private final LatentRanges ranges;
  private final List<RangeFile> files = new ArrayList<>();
  private final int[] tokens;

  private LatentCache(Path folder, CacheHeader header) {
    this.header = header;
    ranges = new LatentRanges(header.width(), header.nSplits());
    try {
      for (int range = 0; range < ranges.count(); range++) {
        int first = ranges.start(range);
        files.add(
            new RangeFile(
                folder.resolve(ranges.file(range)), first, ranges.start(range + 1) - first));
      }
      tokens =
          Arrays.stream(files.get(0).file().longs("tokens")).mapToInt(Math::toIntExact).toArray();
      if (tokens.length != header.rows() * header.ctxLen()) {
        throw new PalimpsestException(
            folder
                + ": "
                + tokens.length
                + " tokens, expected "
                + header.rows()
                + " rows of "
                + header.ctxLen());
      }
    } catch (RuntimeException fault) {
      close();
      throw fault;
    }
  }

  /**
   * Opens a cache.
   *
   * @throws PalimpsestException when it is not complete, or not one
   */
  public static LatentCache open(Path folder) {
    return new LatentCache(folder, header(folder));
  }

  /** Whether the folder holds a complete cache. */
  public static boolean isComplete(Path folder) {
    return Files.exists(folder.resolve(CacheHeader.FILE));
  }

  /** The header alone. */
  public static CacheHeader header(Path folder) {
    CacheHeader header = Json.read(folder.resolve(CacheHeader.FILE), CacheHeader.class);
    if (header.width() < 1
        || header.ctxLen() < 1
        || header.nSplits() < 1
        || header.nSplits() > header.width()) {
      throw new PalimpsestException(
          folder.resolve(CacheHeader.FILE)
              + ": width "
              + header.width()
              + ", ctx_len "
              + header.ctxLen()
              + " and n_splits "
              + header.nSplits()
              + " do not describe a cache");
    }
    return header;
  }

  /** What the cache says of itself. */
  public CacheHeader header() {
    return header;
  }

  /** Number of latents M. */
  public int latents() {
    return header.width();
  }

  /** Tokens of a row. */
  public int contextLength() {
    return header.ctxLen();
  }

  /** Number of rows. */
  public int rows() {
    return Math.toIntExact(header.rows());
  }

  /**
   * All tokens, row after row.
   *
   * @return [rows × contextLength]; not copied, not to be changed
   */
  public int[] tokens() {
    return tokens;
  }

  /** The tokens of one row, copied. */
  public int[] row(int row) {
    return Arrays.copyOfRange(tokens, row * contextLength(), (row + 1) * contextLength());
  }

  /** How often a latent fired. */
  public long count(int latent) {
    return files.get(ranges.rangeOf(latent)).count(latent);
  }

  /** Where a latent fired. */
  public LatentRecord activations(int latent) {
    return files.get(ranges.rangeOf(latent)).read(latent);
  }

  /** Count, density and maximum of every latent: one pass over the cache. */
  public LatentStatistics statistics() {
    long[] counts = new long[latents()];
    float[] maxima = new float[latents()];
    for (int latent = 0; latent < latents(); latent++) {
      counts[latent] = count(latent);
      maxima[latent] = activations(latent).maximum();
    }
    return new LatentStatistics(header.tokens(), counts, maxima);
  }

  @Override
  public void close() {
    files.forEach(RangeFile::close);
  }
}
