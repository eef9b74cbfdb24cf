package dev.palimpsest.simulate;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.latents.LatentBatch;
import dev.palimpsest.latents.ScratchFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Fits the calibrations of all latents to the ratings of one or several simulators over the same
 * text, batch by batch, and takes the means of the text on the way. True activations go to scratch
 * files, so that memory does not grow with tokens. Not for concurrent use.
 */
public final class CalibrationFitter implements AutoCloseable {
  /**
   * Latents that fire less often than this on the calibration text borrow from all latents pooled.
   */
  static final int FEWEST_FIRINGS = 20;

  private static final String STATE = "state.safetensors";

  private final int latents;
  private final Path scratch;
  private final SortedMap<String, String> identity;
  private final List<RatingTallies> tallies;
  private final ActivationLog log;
  private final double[] latentSums;
  private double[] outputSums = new double[0];
  private long tokens;
  private long rows;

  /**
   * Begins, or goes on behind what a fitter of the same identity has kept there.
   *
   * @param simulators whose ratings are to be calibrated, at least one, all of M latents
   * @param scratch folder of scratch files; the caller's to remove
   * @param expected true activations that will come, at most, to choose the size of scratch files
   * @param source what text, model, coder and texts are: a fit that was stopped is only gone on
   *     with for the same
   */
  public CalibrationFitter(
      List<Simulator> simulators, Path scratch, long expected, Map<String, String> source) {
    latents = simulators.get(0).latents();
    this.scratch = scratch;
    int groups = ActivationLog.groups(latents, expected);
    identity = new TreeMap<>(source);
    identity.put(
        "fit", simulators.size() + " simulators of " + latents + " latents, " + groups + " groups");
    tallies = simulators.stream().map(RatingTallies::new).toList();
    latentSums = new double[latents];
    log = goOn().orElseGet(() -> begin(groups));
  }

  private ActivationLog begin(int groups) {
    ScratchFolder.remove(scratch);
    try {
      Files.createDirectories(scratch);
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot write to " + scratch + ": " + AtomicFiles.describe(failure), failure);
    }
    return new ActivationLog(scratch, ActivationLog.Mark.start(latents, groups));
  }

  /** Takes up what was kept; empty where that is nothing, of another identity, or damaged. */
  private Optional<ActivationLog> goOn() {
    Path file = scratch.resolve(STATE);
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    try {
      CalibrationState state = CalibrationState.read(file);
      if (!state.isOf(identity)) {
        return Optional.empty();
      }
      int[] counts =
          Arrays.stream(state.longs("fired", latents)).mapToInt(Math::toIntExact).toArray();
      ActivationLog kept =
          new ActivationLog(scratch, new ActivationLog.Mark(state.marks(), counts));
      rows = state.rows();
      tokens = state.tokens();
      System.arraycopy(state.doubles("latent_sums", latents), 0, latentSums, 0, latents);
      outputSums = state.doubles("output_sums", -1);
      for (int s = 0; s < tallies.size(); s++) {
        tallies.get(s).restore(state, s + ".");
      }
      return Optional.of(kept);
    } catch (PalimpsestException damaged) {
      // Nothing is lost but time: the text is read from its beginning.
      return Optional.empty();
    }
  }

  /** Windows added so far, by this fitter and a stopped one that it goes on from. */
  public long rows() {
    return rows;
  }

  /** Makes sure that what was added so far outlives the process. */
  public void keep() {
    ActivationLog.Mark mark = log.sync();
    CalibrationState state = new CalibrationState(identity, rows, tokens, mark.marks());
    state
        .put("fired", Arrays.stream(mark.counts()).asLongStream().toArray())
        .put("latent_sums", latentSums)
        .put("output_sums", outputSums);
    for (int s = 0; s < tallies.size(); s++) {
      tallies.get(s).save(state, s + ".");
    }
    state.write(scratch.resolve(STATE));
  }

  /** Adds the next windows; the positions that the batch keeps count. */
  public void add(LatentBatch batch) {
    if (batch.firstRow() != rows) {
      throw new IllegalArgumentException(
          "windows from " + batch.firstRow() + " on, expected those from " + rows + " on");
    }
    rows += batch.rows();
    tokens += batch.kept().length;
    for (int slot = 0; slot < batch.activations().length; slot++) {
      float activation = batch.activations()[slot];
      if (activation > 0) {
        int latent = batch.latents()[slot];
        log.add(latent, activation);
        latentSums[latent] += activation;
      }
    }
    addOutputs(batch);
    tallies.forEach(ratings -> ratings.add(batch));
  }

  private void addOutputs(LatentBatch batch) {
    int width = batch.outputs().length / Math.max(1, batch.kept().length);
    if (outputSums.length == 0) {
      outputSums = new double[width];
    }
    for (int i = 0; i < batch.outputs().length; i++) {
      outputSums[i % width] += batch.outputs()[i];
    }
  }

  /**
   * Ends the collection.
   *
   * @param maxima [M] each latent's maximum over the latent cache
   * @return for each simulator, in their order
   */
  public List<CalibrationSet> fit(float[] maxima) {
    PooledActivations[] fired = new PooledActivations[tallies.size()];
    RatingTally[] pooled = new RatingTally[tallies.size()];
    for (int s = 0; s < fired.length; s++) {
      fired[s] = new PooledActivations();
      pooled[s] = new RatingTally();
    }
    log.forEachLatent(
        (latent, activations) -> {
          for (int s = 0; s < fired.length; s++) {
            RatingTally tally =
                tallies.get(s).complete(latent, tokens, activations.length, latentSums[latent]);
            if (tallies.get(s).simulator().explained(latent) && maxima[latent] > 0) {
              pooled[s].add(tally, 1.0 / maxima[latent]);
              for (float activation : activations) {
                fired[s].add(activation / maxima[latent]);
              }
            }
          }
        });
    List<Maps> maps = new ArrayList<>();
    for (int s = 0; s < fired.length; s++) {
      maps.add(new Maps(pooled[s], fired[s], maxima));
    }
    log.forEachLatent(
        (latent, activations) -> {
          SortedActivations sorted = new SortedActivations(activations);
          for (int s = 0; s < fired.length; s++) {
            maps.get(s).fit(latent, tallies.get(s).complete(latent, tokens, 0, 0), sorted);
          }
        });
    return maps.stream().map(made -> made.set(maxima)).toList();
  }

  /** The maps of one simulator in the making. */
  private final class Maps {
    private final CalibrationMap pooledMean;
    private final CalibrationMap pooledQuantile;
    private final CalibrationMap pooledHurdle;
    private final float[] maxima;
    private final CalibrationMap[] mean = new CalibrationMap[latents];
    private final CalibrationMap[] hurdle = new CalibrationMap[latents];
    private final CalibrationMap[] quantile = new CalibrationMap[latents];
    private final boolean[] borrowed = new boolean[latents];
    private final float[] density = new float[latents];

    /** Where there is nothing to pool, no latent is known ever to fire, and none is guessed to. */
    Maps(RatingTally pooled, PooledActivations fired, float[] maxima) {
      pooledMean = pooled.isEmpty() ? CalibrationMap.silent() : pooled.conditionalMean();
      pooledQuantile = pooled.isEmpty() ? CalibrationMap.silent() : pooled.quantile(fired);
      pooledHurdle = pooled.isEmpty() ? CalibrationMap.silent() : pooled.hurdle();
      this.maxima = maxima;
    }

    void fit(int latent, RatingTally tally, SortedActivations fired) {
      borrowed[latent] = fired.count() < FEWEST_FIRINGS || tally.isEmpty();
      density[latent] = tokens == 0 ? 0 : fired.count() / (float) tokens;
      mean[latent] = borrowed[latent] ? pooledMean.scaled(maxima[latent]) : tally.conditionalMean();
      hurdle[latent] = borrowed[latent] ? pooledHurdle.scaled(maxima[latent]) : tally.hurdle();
      quantile[latent] =
          borrowed[latent] ? pooledQuantile.scaled(maxima[latent]) : tally.quantile(fired);
    }

    CalibrationSet set(float[] maxima) {
      return new CalibrationSet(
          tokens,
          new CalibrationMeans(means(outputSums), means(latentSums)),
          maxima.clone(),
          density,
          borrowed,
          quantile,
          mean,
          Optional.of(hurdle),
          Optional.empty());
    }
  }

  private float[] means(double[] sums) {
    float[] means = new float[sums.length];
    for (int i = 0; i < sums.length; i++) {
      means[i] = tokens == 0 ? 0 : (float) (sums[i] / tokens);
    }
    return means;
  }

  @Override
  public void close() {
    log.close();
  }
}
