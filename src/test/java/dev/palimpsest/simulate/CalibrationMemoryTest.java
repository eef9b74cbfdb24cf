package dev.palimpsest.simulate;

import dev.palimpsest.base.ChildProcess;
import dev.palimpsest.latents.LatentBatch;
import dev.palimpsest.latents.ScratchFolder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Fitting calibrations takes no more memory for more tokens. */
class CalibrationMemoryTest {
  @TempDir Path folder;

  /** Fits to made-up firings: folder, latents, firings a token, tokens. */
  static final class Child {
    private Child() {}

    public static void main(String[] arguments) {
      int latents = Integer.parseInt(arguments[1]);
      int k = Integer.parseInt(arguments[2]);
      long tokens = Long.parseLong(arguments[3]);
      int length = 128;
      Path scratch = Path.of(arguments[0]);
      float[] maxima = new float[latents];
      Arrays.fill(maxima, 2);
      SplittableRandom random = new SplittableRandom(1);
      int[] kept = new int[length];
      Arrays.setAll(kept, i -> i);
      long start = System.nanoTime();
      try (CalibrationFitter fitter =
          new CalibrationFitter(List.of(new Hashing(latents)), scratch, tokens * k, Map.of())) {
        for (long row = 0; row < tokens / length; row++) {
          int[] context = random.ints(length, 0, 1 << 16).toArray();
          int[] fired = new int[length * k];
          float[] activations = new float[length * k];
          for (int i = 0; i < fired.length; i++) {
            fired[i] = (int) ((long) (i % k) * latents / k) + random.nextInt(latents / k);
            activations[i] = (float) random.nextDouble(0.01, 2);
          }
          fitter.add(
              new LatentBatch(row, 1, length, context, kept, k, fired, activations, new float[0]));
        }
        CalibrationSet set = fitter.fit(maxima).get(0);
        System.out.printf(
            "%d tokens, density %.5f, %.0f s%n",
            set.tokens(), set.densities()[3], (System.nanoTime() - start) * 1e-9);
      }
      ScratchFolder.remove(scratch);
    }
  }

  /** Rates some forty latents a token by a hash of it, in thirty levels. */
  private record Hashing(int latents) implements Simulator {
    @Override
    public boolean explained(int latent) {
      return true;
    }

    @Override
    public float[] defaults() {
      return new float[latents];
    }

    @Override
    public void rate(int[] context, Sink sink) {
      for (int p = 0; p < context.length; p++) {
        for (int i = 0; i < 40; i++) {
          int hash = Math.floorMod(context[p] * 31 + i * 7919, latents);
          sink.accept(p, hash, 0.3f * (1 + Math.floorMod(context[p] + i, 30)));
        }
      }
    }
  }

  /** 5 M firings are 19 MB as floats alone, and again as much pooled, in a heap of 40 MB. */
  @Test
  void manyFiringsFitASmallHeap() throws Exception {
    new ChildProcess(
            Child.class,
            folder.resolve("child.log"),
            List.of("-Xmx40m"),
            folder.resolve("scratch").toString(),
            "1024",
            "32",
            "150000")
        .finish();
  }
}
