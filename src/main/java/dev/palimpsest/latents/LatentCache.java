package dev.palimpsest.latents;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.StateFiles;
import dev.palimpsest.safetensors.SafeTensors;
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
  private static final int BLOCK = 1 << 16;

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
                folder.resolve(ranges.file(range)),
                first,
                ranges.start(range + 1) - first,
                header));
      }
      tokens = readTokens(files.get(0).file());
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
    return StateFiles.readSealed(folder.resolve(CacheHeader.FILE), CacheHeader.class);
  }

  private int[] readTokens(SafeTensors file) {
    long[] shape = file.info("tokens").shape();
    if (shape.length != 2 || shape[0] != header.rows() || shape[1] != header.ctxLen()) {
      throw new PalimpsestException(
          file.file()
              + ": tokens "
              + Arrays.toString(shape)
              + ", expected ["
              + header.rows()
              + ", "
              + header.ctxLen()
              + "]");
    }
    int[] all = new int[Math.toIntExact(header.rows() * header.ctxLen())];
    for (int from = 0; from < all.length; from += BLOCK) {
      long[] block = file.longs("tokens", from, Math.min(BLOCK, all.length - from));
      for (int i = 0; i < block.length; i++) {
        if (block[i] < 0 || block[i] > Integer.MAX_VALUE) {
          throw new PalimpsestException(file.file() + ": token " + block[i] + " is no token id");
        }
        all[from + i] = (int) block[i];
      }
    }
    return all;
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

  /** Token ids of a window [length]. */
  public int[] tokens(LatentWindow window) {
    int from = window.row() * contextLength() + window.start();
    return Arrays.copyOfRange(tokens, from, from + window.length());
  }

  /** How often a latent fired. */
  public long count(int latent) {
    return files.get(ranges.rangeOf(latent)).count(latent);
  }

  /** Where a latent fired. */
  public LatentRecord activations(int latent) {
    return files.get(ranges.rangeOf(latent)).read(latent);
  }

  /** Count, density and maximum of every latent. */
  public LatentStatistics statistics() {
    long[] counts = new long[latents()];
    float[] maxima = new float[latents()];
    for (int latent = 0; latent < latents(); latent++) {
      counts[latent] = count(latent);
      maxima[latent] = files.get(ranges.rangeOf(latent)).maximum(latent);
    }
    return new LatentStatistics(header.tokens(), counts, maxima);
  }

  @Override
  public void close() {
    files.forEach(RangeFile::close);
  }
}
