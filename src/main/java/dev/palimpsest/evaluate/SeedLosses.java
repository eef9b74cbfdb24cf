package dev.palimpsest.evaluate;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.safetensors.SafeTensors;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Files of losses by window ({@link WindowLosses}) of coders that differ in their seed. */
public final class SeedLosses {
  private final List<String> variants;
  private final List<OneSeed> seeds;

  /** The losses of one file, means over each window's tokens [variants][windows]. */
  @SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
  private record OneSeed(
      List<String> variants,
      float[] ce,
      float[] kl,
      float[] errors,
      long[] tokens,
      long[] windows,
      long[] documents) {
    static OneSeed read(Path file) {
      try (SafeTensors open = SafeTensors.open(file)) {
        List<String> names =
            Arrays.asList(
                Json.MAPPER.readValue(
                    open.metadata().getOrDefault("variants", "[]"), String[].class));
        float[] ce = open.floats("ce");
        return new OneSeed(
            names,
            ce,
            open.floats("kl"),
            open.names().contains("squared_error")
                ? open.floats("squared_error")
                : new float[ce.length],
            open.longs("tokens"),
            open.longs("window"),
            open.longs("document"));
      } catch (JsonProcessingException failure) {
        throw new PalimpsestException(file + ": its list of variants is damaged", failure);
      }
    }

    double[] sums(float[] means, String variant) {
      int row = variants.indexOf(variant);
      double[] sums = new double[tokens.length];
      Arrays.setAll(sums, w -> (double) means[row * tokens.length + w] * tokens[w]);
      return sums;
    }
  }

  private SeedLosses(List<String> variants, List<OneSeed> seeds) {
    this.variants = variants;
    this.seeds = seeds;
  }

  /**
   * Reads the files.
   *
   * @throws PalimpsestException where they are not of the same windows
   */
  public static SeedLosses read(List<Path> files) {
    List<OneSeed> seeds = new ArrayList<>();
    for (Path file : files) {
      OneSeed seed = OneSeed.read(file);
      if (!seeds.isEmpty()
          && !(Arrays.equals(seed.windows(), seeds.get(0).windows())
              && Arrays.equals(seed.tokens(), seeds.get(0).tokens()))) {
        throw new PalimpsestException(
            file + ": of other windows than " + files.get(0) + ", so that they cannot be paired");
      }
      seeds.add(seed);
    }
    List<String> common = new ArrayList<>(seeds.get(0).variants());
    seeds.forEach(seed -> common.retainAll(seed.variants()));
    return new SeedLosses(List.copyOf(common), seeds);
  }

  /** What all files have, in the order of the first. */
  public List<String> variants() {
    return variants;
  }

  /** Number of files. */
  public int seeds() {
    return seeds.size();
  }

  /** The losses of one of the files; row v is variant v of {@link #variants}. */
  public LossTable table(int seed) {
    return mean(List.of(seeds.get(seed)));
  }

  /** The mean of all files, window by window. */
  public LossTable mean() {
    return mean(seeds);
  }

  private LossTable mean(List<OneSeed> of) {
    double[][] ce = new double[variants.size()][];
    double[][] kl = new double[variants.size()][];
    double[][] errors = new double[variants.size()][];
    for (int v = 0; v < variants.size(); v++) {
      String variant = variants.get(v);
      ce[v] = average(of.stream().map(seed -> seed.sums(seed.ce(), variant)).toList());
      kl[v] = average(of.stream().map(seed -> seed.sums(seed.kl(), variant)).toList());
      errors[v] = average(of.stream().map(seed -> seed.sums(seed.errors(), variant)).toList());
    }
    LossTable table = new LossTable(variants.size());
    table.append(
        Arrays.stream(of.get(0).tokens()).mapToInt(Math::toIntExact).toArray(),
        of.get(0).documents(),
        ce,
        kl,
        errors);
    return table;
  }

  private static double[] average(List<double[]> of) {
    double[] mean = new double[of.get(0).length];
    for (double[] each : of) {
      for (int w = 0; w < mean.length; w++) {
        mean[w] += each[w] / of.size();
      }
    }
    return mean;
  }
}
