package dev.palimpsest.lexical;

import dev.palimpsest.latents.LatentCache;
import dev.palimpsest.latents.LatentRecord;
import dev.palimpsest.text.TokenNames;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Finds words that behave alike: those at which the coder's latents write alike. A token is what is
 * decoded at it on average, less what is decoded on average anywhere, shrunk where it is rare;
 * clusters of these ({@link KMeans}), a few large and many small ones, are the classes. A class is
 * called by the most frequent of its words after which no other is called.
 */
public final class GlossaryMaker {
  /** Tokens that occur less often are in no class. */
  private static final int FEWEST = 8;

  private static final double SHRINK = 8;

  /** Tokens to a large class, and to a small one, on average. */
  private static final int[] SIZES = {24, 7};

  private static final int SMALLEST = 3;
  private static final int LARGEST = 24;

  /** Classes whose mean leaves over a larger share of the members' squares are none. */
  private static final double MOST_SPREAD = 0.7;

  /** Share of the characters of all texts that a glossary may have. */
  private static final double MOST_SHARE = 0.05;

  private final Lexicon lexicon;
  private final int width;

  /** The tokens that may be members, the most frequent first. */
  private final List<Integer> tokens = new ArrayList<>();

  private final int[] counts;

  /** What is written at each of {@link #tokens}. */
  private final float[][] points;

  private GlossaryMaker(LatentCache cache, TokenRows text, TokenNames names, DecoderRows decoder) {
    lexicon = new Lexicon(names, Glossary.none());
    width = decoder.width();
    counts = new int[names.size()];
    int counted = 0;
    for (int token : text.tokens()) {
      counts[token]++;
      counted += text.counts(token) ? 1 : 0;
    }
    for (int token = 0; token < counts.length; token++) {
      if (counts[token] >= FEWEST && text.counts(token) && !names.isNumbered(token)) {
        tokens.add(token);
      }
    }
    tokens.sort(Comparator.comparingInt((Integer token) -> -counts[token]).thenComparing(t -> t));
    points = new float[tokens.size()][width];
    float[] mean = sum(cache, text, decoder);
    for (int i = 0; i < points.length; i++) {
      int count = counts[tokens.get(i)];
      for (int j = 0; j < width; j++) {
        float surplus = points[i][j] - mean[j] * count / Math.max(1, counted);
        points[i][j] = (float) (surplus / (count + SHRINK));
      }
    }
  }

  /** Adds up what is decoded at each token; returns what is decoded anywhere. */
  private float[] sum(LatentCache cache, TokenRows text, DecoderRows decoder) {
    float[] all = new float[width];
    float[] activations = new float[counts.length];
    for (int latent = 0; latent < cache.latents(); latent++) {
      LatentRecord firings = cache.activations(latent);
      Arrays.fill(activations, 0);
      float total = 0;
      for (int i = 0; i < firings.count() && firings.rows()[i] < text.rows(); i++) {
        int at = firings.rows()[i] * text.contextLength() + firings.positions()[i];
        activations[text.tokens()[at]] += firings.activations()[i];
        total += firings.activations()[i];
      }
      for (int i = 0; i < points.length; i++) {
        decoder.add(activations[tokens.get(i)], latent, points[i]);
      }
      decoder.add(total, latent, all);
    }
    return all;
  }

  /**
   * The classes of a vocabulary, by the text that an explainer looks at.
   *
   * @param config of the explainer: how much of the cache it looks at, how long texts are
   * @param decoder what the latents write; where it is unknown there are no classes
   */
  public static Glossary make(
      LatentCache cache, LexicalConfig config, TokenNames names, DecoderRows decoder) {
    if (decoder.width() == 0) {
      return Glossary.none();
    }
    GlossaryMaker maker =
        new GlossaryMaker(cache, TokenRows.of(cache, config.tokens()), names, decoder);
    double room = MOST_SHARE * config.characters() * cache.latents();
    List<WordClass> kept = new ArrayList<>();
    for (WordClass each : maker.classes()) {
      room -= new Glossary(List.of(each)).text(names).length();
      if (room < 0) {
        break;
      }
      kept.add(each);
    }
    return new Glossary(kept);
  }

  private List<WordClass> classes() {
    double[] weights = tokens.stream().mapToDouble(token -> Math.sqrt(counts[token])).toArray();
    List<WordClass> classes = new ArrayList<>();
    Set<List<Integer>> seen = new HashSet<>();
    Set<String> taken = new HashSet<>();
    for (int size : SIZES) {
      int clusters = tokens.size() / size;
      if (clusters < 2) {
        continue;
      }
      for (List<Integer> cluster : KMeans.clusters(points, weights, clusters)) {
        List<Integer> typical = cluster.stream().limit(LARGEST).toList();
        OptionalInt head = head(typical, taken);
        if (typical.size() >= SMALLEST
            && spread(typical) <= MOST_SPREAD
            && head.isPresent()
            && seen.add(typical)) {
          String name = lexicon.names().name(tokens.get(head.getAsInt()));
          taken.add(name);
          classes.add(new WordClass(name, typical.stream().map(tokens::get).toList()));
        }
      }
    }
    return classes;
  }

  /** The member that names a class: a word of letters that is no other's name. */
  private OptionalInt head(List<Integer> members, Set<String> taken) {
    return members.stream()
        .mapToInt(i -> i)
        .filter(
            i -> {
              String name = lexicon.names().name(tokens.get(i));
              return name.length() > 1
                  && name.codePoints().allMatch(Character::isLetter)
                  && !English.isReserved(name)
                  && !taken.contains(name);
            })
        .findFirst();
  }

  /** Share of the members' squares that their mean leaves over. */
  private double spread(List<Integer> members) {
    double squares = 0;
    double[] sum = new double[width];
    for (int member : members) {
      for (int j = 0; j < width; j++) {
        squares += points[member][j] * points[member][j];
        sum[j] += points[member][j];
      }
    }
    double explained = 0;
    for (double value : sum) {
      explained += value * value / members.size();
    }
    return squares > 0 ? 1 - explained / squares : 1;
  }
}
