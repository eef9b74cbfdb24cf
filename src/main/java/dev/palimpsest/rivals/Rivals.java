package dev.palimpsest.rivals;

import dev.palimpsest.latents.LatentStream;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Tensors;
import dev.palimpsest.text.TokenWindows;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.LongConsumer;
import org.bytedeco.pytorch.Tensor;

/** Fits rivals to the outputs of a module, in one pass over some text. */
public final class Rivals {
  /** Numbers that one table holds at most, 128 MiB; the most frequent contexts are kept. */
  private static final long MOST_NUMBERS = 1 << 25;

  private Rivals() {}

  /**
   * Fits what was asked for. The same text, model and coder give the same rivals.
   *
   * @param windows of a split that nothing is evaluated on
   * @param tokens at most so many are read, of windows chosen by the seed
   * @param batchRows windows a forward pass
   * @param progress is told the number of tokens read so far
   * @return by label, in the order asked for
   */
  public static Map<String, Rival> fit(
      List<RivalKind> kinds,
      LatentStream stream,
      TokenWindows windows,
      long tokens,
      int batchRows,
      long seed,
      LongConsumer progress) {
    int highest =
        kinds.stream().filter(RivalKind::isTable).mapToInt(RivalKind::order).max().orElse(-1);
    long[] chosen = LatentStream.choose(windows, tokens, seed);
    int width = stream.coder().config().width();
    NgramTable[] tables = new NgramTable[highest + 1];
    for (int order = 0; order <= highest; order++) {
      tables[order] =
          new NgramTable(
              order,
              rows(order, windows, chosen, Math.max(1, MOST_NUMBERS / width)),
              order == 0 ? Optional.empty() : Optional.of(tables[order - 1]),
              width);
    }
    List<FittedRival> fitted = new ArrayList<>(List.of(tables));
    Map<RivalKind, Rival> byKind = new EnumMap<>(RivalKind.class);
    for (RivalKind kind : kinds) {
      if (kind.isTable()) {
        byKind.put(kind, tables[kind.order()]);
      } else if (!isFromSample(kind)) {
        inPassing(kind, stream, width, byKind, fitted);
      }
    }
    boolean sampled = kinds.stream().anyMatch(Rivals::isFromSample);
    RivalSample sample = new RivalSample(width, kinds.stream().anyMatch(RivalKind::readsInput));
    if (!kinds.isEmpty()) {
      stream.run(
          windows,
          chosen,
          0,
          new LatentStream.Pass(batchRows, 0, LatentStream.Outputs.BEYOND_SKIP),
          batch -> {
            fitted.forEach(rival -> rival.add(batch));
            if (sampled) {
              sample.add(batch);
            }
            progress.accept((batch.firstRow() + batch.rows()) * batch.length());
          });
    }
    fitted.forEach(FittedRival::finish);
    for (RivalKind kind : kinds) {
      if (isFromSample(kind)) {
        byKind.put(kind, fromSample(kind, sample, stream, seed));
      }
    }
    Map<String, Rival> rivals = new LinkedHashMap<>();
    kinds.forEach(kind -> rivals.put(kind.label(), Objects.requireNonNull(byKind.get(kind))));
    return rivals;
  }

  /** Whether a rival looks at its sample more than once. */
  private static boolean isFromSample(RivalKind kind) {
    return kind == RivalKind.NETWORK || kind.readsInput();
  }

  /** Begins a rival that is fitted while the text is read. */
  private static void inPassing(
      RivalKind kind,
      LatentStream stream,
      int width,
      Map<RivalKind, Rival> byKind,
      List<FittedRival> fitted) {
    switch (kind) {
      case WEIGHTLENS -> put(kind, new WeightLens(stream), byKind, fitted);
      case AUTOMATA -> put(kind, new SuffixAutomata(decoderRows(stream)), byKind, fitted);
      default -> {
        Tensor embedding = stream.model().embedding();
        put(
            kind,
            new EmbeddingWindow(
                kind.order(),
                Tensors.toArray(embedding),
                (int) embedding.size(1),
                width,
                stream.coder().device()),
            byKind,
            fitted);
      }
    }
  }

  private static <R extends FittedRival> void put(
      RivalKind kind, R rival, Map<RivalKind, Rival> byKind, List<FittedRival> fitted) {
    byKind.put(kind, rival);
    fitted.add(rival);
  }

  private static float[][] decoderRows(LatentStream stream) {
    float[][] rows = new float[stream.latents()][];
    for (int latent = 0; latent < rows.length; latent++) {
      rows[latent] = stream.coder().frozenDecoderRow(latent);
    }
    return rows;
  }

  private static Rival fromSample(
      RivalKind kind, RivalSample sample, LatentStream stream, long seed) {
    Device device = stream.coder().device();
    return switch (kind) {
      case NEIGHBOURS -> new NearestOutputs(sample, device);
      case EXPERTS -> new RoutedExperts(sample, device, seed);
      default -> {
        Tensor embedding = stream.model().embedding();
        yield new TokenNetwork(
            kind.order(),
            Tensors.toArray(embedding),
            (int) embedding.size(1),
            sample,
            device,
            seed);
      }
    };
  }

  /** Rows of the contexts of n tokens: above one token only those that occur twice or more. */
  private static Map<Long, Integer> rows(
      int order, TokenWindows windows, long[] chosen, long most) {
    Map<Long, Integer> counts = new HashMap<>();
    for (long window : chosen) {
      int[] context = windows.read(window);
      for (int p = Math.max(0, order - 1); p < context.length; p++) {
        counts.merge(NgramTable.key(order, context, p), 1, Integer::sum);
      }
    }
    Map<Long, Integer> rows = new LinkedHashMap<>();
    counts.entrySet().stream()
        .filter(entry -> order < 2 || entry.getValue() > 1)
        .sorted(
            Comparator.comparing((Map.Entry<Long, Integer> entry) -> -entry.getValue())
                .thenComparing(Map.Entry::getKey))
        .limit(most)
        .forEach(entry -> rows.put(entry.getKey(), rows.size()));
    return rows;
  }
}
