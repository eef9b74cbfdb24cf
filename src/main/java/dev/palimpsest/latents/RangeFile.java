package dev.palimpsest.latents;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.safetensors.SafeTensors;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * One file of a latent cache, opened for reading latent by latent. Opening scans the latents once
 * and counts them. A file whose entries are not in order of latents (delphi's own are in order of
 * rows) is sorted in memory.
 */
final class RangeFile implements AutoCloseable {
  private static final int SCAN_ENTRIES = 1 << 16;

  private final SafeTensors file;
  private final int first;
  private final long[] start;
  private final boolean sorted;
  private final long[] order;

  /**
   * @param first first latent of the file
   * @param latents number of latents
   */
  RangeFile(Path path, int first, int latents) {
    this.first = first;
    file = SafeTensors.open(path);
    try {
      long[] shape = file.info("locations").shape();
      if (shape.length != 2 || shape[1] != 3 || file.info("activations").elements() != shape[0]) {
        throw new PalimpsestException(
            path
                + ": locations "
                + Arrays.toString(shape)
                + " and activations "
                + Arrays.toString(file.info("activations").shape())
                + ", expected [n, 3] and [n]");
      }
      start = new long[latents + 1];
      sorted = count(path, shape[0], latents);
      order = sorted ? new long[0] : order(shape[0]);
    } catch (RuntimeException fault) {
      file.close();
      throw fault;
    }
  }

  private boolean count(Path path, long entries, int latents) {
    boolean ascending = true;
    long last = 0;
    for (long from = 0; from < entries; from += SCAN_ENTRIES) {
      int count = (int) Math.min(SCAN_ENTRIES, entries - from);
      long[] block = file.longs("locations", 3 * from, 3 * count);
      for (int i = 0; i < count; i++) {
        long latent = block[3 * i + 2];
        if (latent < 0 || latent >= latents) {
          throw new PalimpsestException(
              path + ": locations name latent " + latent + " of a file of " + latents);
        }
        ascending &= latent >= last;
        last = latent;
        start[(int) latent + 1]++;
      }
    }
    for (int latent = 0; latent < latents; latent++) {
      start[latent + 1] += start[latent];
    }
    return ascending;
  }

  private long[] order(long entries) {
    long[] sortedOrder = new long[Math.toIntExact(entries)];
    long[] next = start.clone();
    for (long from = 0; from < entries; from += SCAN_ENTRIES) {
      int count = (int) Math.min(SCAN_ENTRIES, entries - from);
      long[] block = file.longs("locations", 3 * from, 3 * count);
      for (int i = 0; i < count; i++) {
        sortedOrder[(int) next[(int) block[3 * i + 2]]++] = from + i;
      }
    }
    return sortedOrder;
  }

  long count(int latent) {
    return start[latent - first + 1] - start[latent - first];
  }

  LatentRecord read(int latent) {
    long from = start[latent - first];
    int count = Math.toIntExact(count(latent));
    int[] rows = new int[count];
    int[] positions = new int[count];
    float[] activations = new float[count];
    if (sorted) {
      long[] locations = file.longs("locations", 3 * from, 3 * count);
      activations = file.floats("activations", from, count);
      for (int i = 0; i < count; i++) {
        rows[i] = (int) locations[3 * i];
        positions[i] = (int) locations[3 * i + 1];
      }
    } else {
      for (int i = 0; i < count; i++) {
        long entry = order[(int) from + i];
        long[] location = file.longs("locations", 3 * entry, 3);
        rows[i] = (int) location[0];
        positions[i] = (int) location[1];
        activations[i] = file.floats("activations", entry, 1)[0];
      }
    }
    return new LatentRecord(latent, rows, positions, activations);
  }

  SafeTensors file() {
    return file;
  }

  @Override
  public void close() {
    file.close();
  }
}
