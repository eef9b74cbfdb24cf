package dev.palimpsest.model;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * A decoder-only transformer, as {@code config.json} describes it.
 *
 * @param family which published architecture
 * @param layers number of blocks
 * @param width d, of the residual stream
 * @param heads query heads
 * @param keyValueHeads key and value heads; divides {@code heads}
 * @param headWidth channels of a head
 * @param innerWidth hidden units of the feed-forward network
 * @param vocabularySize V
 * @param maxPositions the longest sequence it was made for; a hard limit only where positions are
 *     learned
 * @param normEpsilon added to the variance in every norm
 * @param activation of the feed-forward network
 * @param parallelResidual whether attention and feed-forward network read the same residual stream
 *     (else one after the other)
 * @param queryKeyValueBias whether the projections to queries, keys and values have biases
 * @param attentionOutputBias whether the projection from the heads has one
 * @param mlpBias whether the feed-forward network's projections have them
 * @param tiedHead whether the unembedding is the embedding
 * @param embeddingScale what embeddings are multiplied by
 * @param attentionScale per layer, what dot products of queries and keys are multiplied by
 * @param attentionSoftcap c where attention scores s become c tanh(s/c)
 * @param logitSoftcap the same for logits
 * @param windows per layer, how many positions a token sees, itself included; empty: all before it
 * @param rotary per layer, the rotary embedding; an empty list where positions are learned
 */
public record ModelConfig(
    Family family,
    int layers,
    int width,
    int heads,
    int keyValueHeads,
    int headWidth,
    int innerWidth,
    int vocabularySize,
    int maxPositions,
    double normEpsilon,
    Activation activation,
    boolean parallelResidual,
    boolean queryKeyValueBias,
    boolean attentionOutputBias,
    boolean mlpBias,
    boolean tiedHead,
    double embeddingScale,
    List<Double> attentionScale,
    OptionalDouble attentionSoftcap,
    OptionalDouble logitSoftcap,
    List<OptionalInt> windows,
    List<Rotary> rotary) {

  /**
   * Reads {@code config.json} of a model folder.
   *
   * @throws dev.palimpsest.base.PalimpsestException naming the file and the key at fault
   */
  public static ModelConfig read(Path folder) {
    return ModelConfigReader.read(folder.resolve("config.json"));
  }

  /** The longest sequence that there are positions for; without an end where none are learned. */
  public int longestSequence() {
    return rotary.isEmpty() ? maxPositions : Integer.MAX_VALUE;
  }

  /** The rotary embedding of a layer. */
  Optional<Rotary> rotaryOf(int layer) {
    return rotary.isEmpty() ? Optional.empty() : Optional.of(rotary.get(layer));
  }

  /** Numbers in the dense layers of the blocks, by each of which a token is multiplied once. */
  public long denseWeights() {
    long attention = 2L * width * (queryWidth() + keyValueWidth());
    long network = (family.gated() ? 3L : 2L) * width * innerWidth;
    return layers * (attention + network);
  }

  /** Channels of all query heads together. */
  int queryWidth() {
    return heads * headWidth;
  }

  /** Channels of all key heads, or of all value heads, together. */
  int keyValueWidth() {
    return keyValueHeads * headWidth;
  }
}
