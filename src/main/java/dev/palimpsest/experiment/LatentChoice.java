package dev.palimpsest.experiment;

import dev.palimpsest.base.Seeds;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Which latents a report shows: not the prettiest alone, but the best, middling and worst
 * explained, the densest, and some at random.
 */
final class LatentChoice {
  private LatentChoice() {}

  /**
   * @param count how many are wanted; fewer come where there are fewer
   * @param latents number of latents M
   * @param scores by latent, of those that have one
   * @param densities [M] or empty; random latents are drawn from those above 0
   * @param seed of the random ones
   * @return reasons by latent, in the order in which they are to be shown
   */
  static Map<Integer, List<String>> choose(
      int count, int latents, Map<Integer, Double> scores, List<Double> densities, long seed) {
    Map<Integer, List<String>> chosen = new LinkedHashMap<>();
    List<Integer> ranked =
        scores.entrySet().stream()
            .filter(score -> Double.isFinite(score.getValue()))
            .sorted(
                Comparator.comparingDouble((Map.Entry<Integer, Double> score) -> -score.getValue())
                    .thenComparing(Map.Entry::getKey))
            .map(Map.Entry::getKey)
            .toList();
    int share = Math.max(1, count / 6);
    int best = Math.max(1, count / 4);
    add(chosen, ranked, 0, best, "best score", count);
    add(
        chosen,
        ranked,
        Math.max(best, ranked.size() / 2 - share / 2),
        share,
        "median score",
        count);
    add(chosen, ranked, Math.max(best, ranked.size() - share), share, "worst score", count);
    List<Integer> alive = new ArrayList<>();
    for (int latent = 0; latent < latents; latent++) {
      if (densities.isEmpty() || densities.get(latent) > 0) {
        alive.add(latent);
      }
    }
    if (!densities.isEmpty()) {
      List<Integer> densest =
          alive.stream()
              .sorted(
                  Comparator.comparingDouble((Integer latent) -> -densities.get(latent))
                      .thenComparing(l -> l))
              .toList();
      add(chosen, densest, 0, share, "densest", count);
    }
    SplittableRandom random = Seeds.stream(seed, "report.latents");
    for (int i = 0; i < alive.size() && chosen.size() < count; i++) {
      int other = i + random.nextInt(alive.size() - i);
      int drawn = alive.get(other);
      alive.set(other, alive.get(i));
      if (!chosen.containsKey(drawn)) {
        chosen.put(drawn, new ArrayList<>(List.of("random")));
      }
    }
    return chosen;
  }

  private static void add(
      Map<Integer, List<String>> chosen,
      List<Integer> order,
      int from,
      int number,
      String reason,
      int most) {
    for (int i = from; i < Math.min(order.size(), from + number); i++) {
      int latent = order.get(i);
      if (chosen.containsKey(latent) || chosen.size() < most) {
        chosen.computeIfAbsent(latent, key -> new ArrayList<>()).add(reason);
      }
    }
  }
}
