package dev.palimpsest.bench;

/**
 * The sizes of the Pythia models (GPT-NeoX; Biderman et al. 2023).
 *
 * @param layers blocks
 * @param width d
 * @param heads attention heads of a block
 */
public record PythiaShape(int layers, int width, int heads) {
  /** Tokens of the vocabulary, padded as Pythia's is. */
  static final int VOCABULARY = 50_304;

  /** Tokens that positions are defined for. */
  static final int CONTEXT = 2048;

  /** Pythia-160m, the shape measured by default. */
  public static final PythiaShape PYTHIA_160M = new PythiaShape(12, 768, 12);

  /** The width of a feed-forward network's inner layer. */
  int innerWidth() {
    return 4 * width;
  }
}
