package dev.palimpsest.latents;

import dev.palimpsest.base.Seeds;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Example windows of one latent, drawn as delphi does: the rows are cut into aligned windows; those
 * in which the latent fires are ranked by their largest activation. Every draw is seeded by latent
 * and purpose, so that none depends on another.
 */
public final class WindowSampler {
  private final int latent;
  private final int rows;
  private final int contextLength;
  private final int length;
  private final long seed;
  private final LatentRecord firings;
  private final float[] silence;
  private final List<LatentWindow> activating = new ArrayList<>();

  /**
   * @param firings where the latent fired
   * @param rows rows of the cache
   * @param contextLength tokens of a row
   * @param length tokens of a window, at most contextLength; what is left over at the end of a row
   *     is not used
   * @param seed of all draws
   */
  public WindowSampler(LatentRecord firings, int rows, int contextLength, int length, long seed) {
    if (length < 1 || length > contextLength) {
      throw new IllegalArgumentException(
          "windows of " + length + " tokens in rows of " + contextLength);
    }
    this.latent = firings.latent();
    this.firings = firings;
    this.rows = rows;
    this.contextLength = contextLength;
    this.length = length;
    silence = new float[length];
    this.seed = seed;
    collect();
  }

  private void collect() {
    int lastRow = -1;
    int lastWindow = -1;
    for (int i = 0; i < firings.count(); i++) {
      int window = firings.positions()[i] / length;
      if (window >= windowsPerRow()) {
        continue;
      }
      if (firings.rows()[i] != lastRow || window != lastWindow) {
        lastRow = firings.rows()[i];
        lastWindow = window;
        activating.add(new LatentWindow(lastRow, window * length, new float[length]));
      }
      LatentWindow current = activating.get(activating.size() - 1);
      current.activations()[firings.positions()[i] % length] = firings.activations()[i];
    }
    activating.sort(
        Comparator.comparingDouble((LatentWindow window) -> -window.maximum())
            .thenComparingInt(LatentWindow::row)
            .thenComparingInt(LatentWindow::start));
  }

  private int windowsPerRow() {
    return contextLength / length;
  }

  /** All windows in which the latent fires, strongest first. */
  public List<LatentWindow> activating() {
    return Collections.unmodifiableList(activating);
  }

  /** The strongest windows. */
  public List<LatentWindow> top(int count) {
    return List.copyOf(activating.subList(0, Math.min(count, activating.size())));
  }

  /** Activating windows drawn without regard to strength. */
  public List<LatentWindow> random(int count) {
    return draw(activating, count, Seeds.stream(seed, "windows.random", latent));
  }

  /**
   * Activating windows drawn from each of several equally large classes of strength.
   *
   * @param quantiles number of classes
   * @param each windows drawn per class (fewer where a class has fewer)
   * @return strongest class first
   */
  public List<LatentWindow> byQuantile(int quantiles, int each) {
    SplittableRandom random = Seeds.stream(seed, "windows.quantile", latent);
    List<LatentWindow> drawn = new ArrayList<>(quantiles * each);
    for (int quantile = 0; quantile < quantiles; quantile++) {
      int from = (int) ((long) activating.size() * quantile / quantiles);
      int to = (int) ((long) activating.size() * (quantile + 1) / quantiles);
      drawn.addAll(draw(activating.subList(from, to), each, random));
    }
    return drawn;
  }

  /** Windows in which the latent is silent, drawn uniformly; fewer where there are fewer. */
  public List<LatentWindow> silent(int count) {
    boolean[] fires = new boolean[rows * windowsPerRow()];
    for (LatentWindow window : activating) {
      fires[window.row() * windowsPerRow() + window.start() / length] = true;
    }
    int silent = fires.length - activating.size();
    int wanted = Math.min(count, silent);
    SplittableRandom random = Seeds.stream(seed, "windows.silent", latent);
    List<LatentWindow> drawn = new ArrayList<>(wanted);
    if (2L * wanted > silent) {
      int[] all = new int[silent];
      int found = 0;
      for (int window = 0; window < fires.length; window++) {
        if (!fires[window]) {
          all[found++] = window;
        }
      }
      for (int i = 0; i < wanted; i++) {
        int other = i + random.nextInt(silent - i);
        drawn.add(silentWindow(all[other]));
        all[other] = all[i];
      }
      return drawn;
    }
    while (drawn.size() < wanted) {
      int window = random.nextInt(fires.length);
      if (!fires[window]) {
        fires[window] = true;
        drawn.add(silentWindow(window));
      }
    }
    return drawn;
  }

  private LatentWindow silentWindow(int window) {
    return new LatentWindow(window / windowsPerRow(), window % windowsPerRow() * length, silence);
  }

  /**
   * The windows around the strongest firings, each in the middle of its window as far as the row
   * allows; one a firing, those that overlap a stronger one left out.
   */
  public List<LatentWindow> centred(int count) {
    Integer[] order = new Integer[firings.count()];
    Arrays.setAll(order, i -> i);
    Arrays.sort(order, Comparator.comparingDouble(i -> -firings.activations()[i]));
    List<LatentWindow> chosen = new ArrayList<>(count);
    for (int i : order) {
      if (chosen.size() == count) {
        break;
      }
      int start =
          Math.max(0, Math.min(firings.positions()[i] - length / 2, contextLength - length));
      int row = firings.rows()[i];
      boolean free =
          chosen.stream()
              .noneMatch(other -> other.row() == row && Math.abs(other.start() - start) < length);
      if (free) {
        chosen.add(window(row, start));
      }
    }
    return chosen;
  }

  private LatentWindow window(int row, int start) {
    float[] activations = new float[length];
    for (int i = 0; i < firings.count(); i++) {
      int offset = firings.positions()[i] - start;
      if (firings.rows()[i] == row && offset >= 0 && offset < length) {
        activations[offset] = firings.activations()[i];
      }
    }
    return new LatentWindow(row, start, activations);
  }

  private static List<LatentWindow> draw(
      List<LatentWindow> from, int count, SplittableRandom random) {
    List<LatentWindow> pool = new ArrayList<>(from);
    int wanted = Math.min(count, pool.size());
    for (int i = 0; i < wanted; i++) {
      Collections.swap(pool, i, i + random.nextInt(pool.size() - i));
    }
    return List.copyOf(pool.subList(0, wanted));
  }
}
