package dev.palimpsest.lexical;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.explain.Explanation;
import dev.palimpsest.simulate.Simulator;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads explanations (see the package) and applies them to text.
 *
 * <p>It is built from the texts only. All latents share one {@link PatternMatcher}; each distinct
 * pattern has a list of the latents it concerns, so that a token costs as much as the evidence that
 * bears on it.
 */
public final class LexicalSimulator implements Simulator {
  private static final int SETS = 1 << 30;

  private final int latents;
  private final boolean[] explained;
  private final int[] starts;
  private final float[] defaults;
  private final PatternMatcher matcher;
  private final int[] concernStart;
  private final int[] concernLatent;

  /** Points that are added, or {@link #SETS} and the rank of those that are set. */
  private final int[] concernPoints;

  /**
   * @param latents number of latents M
   * @param explanations at most one a latent
   * @param lexicon what the texts can name
   * @throws PalimpsestException naming the latent whose text cannot be read, and why
   */
  public LexicalSimulator(int latents, List<Explanation> explanations, Lexicon lexicon) {
    this.latents = latents;
    explained = new boolean[latents];
    starts = new int[latents];
    defaults = new float[latents];
    Map<Pattern, Integer> index = new HashMap<>();
    List<Pattern> patterns = new ArrayList<>();
    List<Scorecard> cards = new ArrayList<>(explanations.size());
    for (Explanation explanation : explanations) {
      Scorecard card = read(explanation, lexicon);
      cards.add(card);
      int latent = explanation.latent();
      explained[latent] = true;
      starts[latent] = card.start();
      defaults[latent] = Scorecard.rating(card.start());
      for (Scorecard.Term term : card.terms()) {
        if (index.putIfAbsent(term.pattern(), patterns.size()) == null) {
          patterns.add(term.pattern());
        }
      }
    }
    matcher = new PatternMatcher(patterns, lexicon);
    concernStart = new int[patterns.size() + 1];
    for (Scorecard card : cards) {
      for (Scorecard.Term term : card.terms()) {
        concernStart[index.getOrDefault(term.pattern(), 0) + 1]++;
      }
    }
    java.util.Arrays.parallelPrefix(concernStart, Integer::sum);
    concernLatent = new int[concernStart[patterns.size()]];
    concernPoints = new int[concernLatent.length];
    int[] next = concernStart.clone();
    for (int i = 0; i < cards.size(); i++) {
      for (Scorecard.Term term : cards.get(i).terms()) {
        int at = next[index.getOrDefault(term.pattern(), 0)]++;
        concernLatent[at] = explanations.get(i).latent();
        concernPoints[at] = code(term, lexicon);
      }
    }
  }

  /** Tells a rank, which is positive, from points that are added. */
  private static boolean sets(int code) {
    return code >= SETS;
  }

  private static int code(Scorecard.Term term, Lexicon lexicon) {
    return term.sets() && term.pattern() instanceof Pattern.Sequence own
        ? SETS | Scorecard.rank(own, term.points(), lexicon)
        : term.points();
  }

  private Scorecard read(Explanation explanation, Lexicon lexicon) {
    int latent = explanation.latent();
    if (latent < 0 || latent >= latents) {
      throw new PalimpsestException(
          "there is an explanation of latent "
              + latent
              + ", the coder has "
              + latents
              + " latents");
    }
    if (explained[latent]) {
      throw new PalimpsestException("latent " + latent + " is explained twice");
    }
    try {
      return Reading.of(explanation.text(), lexicon).card();
    } catch (PalimpsestException fault) {
      throw new PalimpsestException("latent " + latent + ": " + fault.getMessage(), fault);
    }
  }

  @Override
  public int latents() {
    return latents;
  }

  @Override
  public boolean explained(int latent) {
    return explained[latent];
  }

  @Override
  @SuppressWarnings(
      "EI_EXPOSE_REP") // documented as not to be changed; M floats are not copied per call
  public float[] defaults() {
    return defaults;
  }

  @Override
  public void rate(int[] context, Sink sink) {
    int[] sum = new int[latents];
    int[] own = new int[latents];
    boolean[] touched = new boolean[latents];
    int[] concerned = new int[latents];
    matcher.match(
        context,
        (position, patterns, count) -> {
          int size = 0;
          for (int i = 0; i < count; i++) {
            int end = concernStart[patterns[i] + 1];
            for (int c = concernStart[patterns[i]]; c < end; c++) {
              int latent = concernLatent[c];
              if (!touched[latent]) {
                touched[latent] = true;
                concerned[size++] = latent;
              }
              int code = concernPoints[c];
              if (sets(code)) {
                own[latent] = Math.max(own[latent], code);
              } else {
                sum[latent] += code;
              }
            }
          }
          for (int i = 0; i < size; i++) {
            int latent = concerned[i];
            int base = own[latent] == 0 ? starts[latent] : Scorecard.points(own[latent]);
            float rating = Scorecard.rating(base + sum[latent]);
            sum[latent] = 0;
            own[latent] = 0;
            touched[latent] = false;
            if (rating != defaults[latent]) {
              sink.accept(position, latent, rating);
            }
          }
        });
  }
}
