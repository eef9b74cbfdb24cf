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
  private final float[] maxima;
  private final boolean sorted;
  private final long[] order;

  /**
   * @param first first latent of the file
   * @param latents number of latents
   * @param header of the cache the file is part of
   * @throws PalimpsestException where the file is damaged or does not fit the header
   */
  RangeFile(Path path, int first, int latents, CacheHeader header) {
    this.first = first;
    // A checksum where there is one: delphi's own files have none.
    file = SafeTensors.openChecked(path);
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
      maxima = new float[latents];
      sorted = count(path, shape[0], latents, header);
      order = sorted ? new long[0] : order(shape[0]);
    } catch (RuntimeException fault) {
      file.close();
      throw fault;
    }
  }

  private boolean count(Path path, long entries, int latents, CacheHeader header) {
    boolean ascending = true;
    long last = 0;
    long[] lastPlace = new long[latents];
    Arrays.fill(lastPlace, -1);
    for (long from = 0; from < entries; from += SCAN_ENTRIES) {
      int count = (int) Math.min(SCAN_ENTRIES, entries - from);
      long[] block = file.longs("locations", 3 * from, 3 * count);
      float[] activations = file.floats("activations", from, count);
      for (int i = 0; i < count; i++) {
        long row = block[3 * i];
        long position = block[3 * i + 1];
        long latent = block[3 * i + 2];
        if (latent < 0 || latent >= latents) {
          throw new PalimpsestException(
              path + ": locations name latent " + latent + " of a file of " + latents);
        }
        if (row < 0 || row >= header.rows() || position < 0 || position >= header.ctxLen()) {
          throw new PalimpsestException(
              path
                  + ": locations name position "
                  + position
                  + " of row "
                  + row
                  + " in a cache of "
                  + header.rows()
                  + " rows of "
                  + header.ctxLen());
        }
        long place = row * header.ctxLen() + position;
        if (place <= lastPlace[(int) latent]) {
          throw new PalimpsestException(
              path + ": the locations of latent " + (first + latent) + " do not ascend");
        }
        lastPlace[(int) latent] = place;
        if (!(activations[i] >= 0) || !Float.isFinite(activations[i])) {
          throw new PalimpsestException(
              path
                  + ": latent "
                  + (first + latent)
                  + " has the activation "
                  + activations[i]
                  + ", expected a finite number from 0 on");
        }
        maxima[(int) latent] = Math.max(maxima[(int) latent], activations[i]);
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

  float maximum(int latent) {
    return maxima[latent - first];
  }

  LatentRecord read(int latent) {
    long from = start[latent - first];
    int count = Math.toIntExact(count(latent));
    int[] rows = new int[count];
    int[] positions = new int[count];
    float[] activations = new float[count];
    if (sorted) {
      activations = file.floats("activations", from, count);
      for (int block = 0; block < count; block += SCAN_ENTRIES) {
        int size = Math.min(SCAN_ENTRIES, count - block);
        long[] locations = file.longs("locations", 3 * (from + block), 3 * size);
        for (int i = 0; i < size; i++) {
          rows[block + i] = (int) locations[3 * i];
          positions[block + i] = (int) locations[3 * i + 1];
        }
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
