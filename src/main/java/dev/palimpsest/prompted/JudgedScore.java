package dev.palimpsest.prompted;

/**
 * What a judge's answers about one explanation came to. Of what follows from the four counts, F1
 * passes the sanity checks of NeuronEval (arXiv 2506.05774); recall and accuracies alone do not:
 * they favour explanations that match too much.
 *
 * @param latent 0-based
 * @param scorer label of a {@link JudgedKind}
 * @param truePositives windows rightly said to match
 * @param falsePositives wrongly said to match
 * @param trueNegatives rightly said not to match
 * @param falseNegatives wrongly said not to match
 * @param unread windows without a readable answer; they count nowhere else
 */
public record JudgedScore(
    int latent,
    String scorer,
    int truePositives,
    int falsePositives,
    int trueNegatives,
    int falseNegatives,
    int unread) {

  /** Whether both kinds of windows were judged. */
  public boolean wasJudged() {
    return truePositives + falseNegatives > 0 && trueNegatives + falsePositives > 0;
  }

  /** Share of matching windows said to match. */
  public double recall() {
    return share(truePositives, falseNegatives);
  }

  /** Share of the others said not to match. */
  public double specificity() {
    return share(trueNegatives, falsePositives);
  }

  /** The mean of the two; 0.5 is chance. */
  public double balancedAccuracy() {
    return (recall() + specificity()) / 2;
  }

  /** Share of windows said to match that do; 0 where none was. */
  public double precision() {
    return share(truePositives, falsePositives);
  }

  /** The harmonic mean of precision and recall. */
  public double f1() {
    return share(2 * truePositives, falsePositives + falseNegatives);
  }

  /** Pearson's correlation of truth and answer (Matthews's); 0 where either is constant. */
  public double correlation() {
    double tp = truePositives;
    double fp = falsePositives;
    double tn = trueNegatives;
    double fn = falseNegatives;
    double spread = Math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn));
    return spread > 0 ? (tp * tn - fp * fn) / spread : 0;
  }

  private static double share(int part, int rest) {
    return part + rest == 0 ? 0 : (double) part / (part + rest);
  }
}
