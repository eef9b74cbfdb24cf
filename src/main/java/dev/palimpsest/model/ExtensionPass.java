package dev.palimpsest.model;

import dev.palimpsest.kernels.Sequences;
import dev.palimpsest.tensor.Device;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * A pass over the new tokens of several sequences, one sequence after the other in a single row of
 * N tokens. Everything but attention sees tokens alone; attention sees each token's own sequence.
 */
final class ExtensionPass implements AutoCloseable {
  private final List<Extension> extensions;
  private final Device device;
  private final Tensor positions;
  private final Optional<Ends> ends;

  /**
   * The last new tokens of some sequences: all that flows through the last block.
   *
   * @param of these sequences
   * @param rows where the tokens stand among all new ones, int64 [n]
   */
  private record Ends(List<Extension> of, Tensor rows) {}

  /** A pass of which every token's end is wanted. */
  ExtensionPass(List<Extension> extensions, Device device) {
    this(extensions, Optional.empty(), device);
  }

  /**
   * A pass.
   *
   * @param wanted where not empty, the extensions, at least one, in order, of whose last tokens
   *     alone the last block's output is wanted
   */
  ExtensionPass(List<Extension> extensions, Optional<int[]> wanted, Device device) {
    this.extensions = List.copyOf(extensions);
    this.device = device;
    this.ends = wanted.map(this::ends);
    long[] places =
        extensions.stream()
            .flatMapToInt(e -> IntStream.range(e.start(), e.end()))
            .asLongStream()
            .toArray();
    positions = device.of(places, places.length);
  }

  private Ends ends(int[] wanted) {
    long[] last = new long[extensions.size()];
    long tokens = 0;
    for (int i = 0; i < last.length; i++) {
      tokens += extensions.get(i).tokens().length;
      last[i] = tokens - 1;
    }
    return new Ends(
        Arrays.stream(wanted).mapToObj(extensions::get).toList(),
        device.of(Arrays.stream(wanted).mapToLong(i -> last[i]).toArray(), wanted.length));
  }

  /**
   * What of a pass's tokens flows through the last block after its keys and values are made.
   *
   * @param x [1, N, …]
   * @return [1, n, …], or {@code x} itself where all of them do
   */
  Tensor wanted(Tensor x) {
    return ends.isPresent() ? x.index_select(1, ends.get().rows) : x;
  }

  /** The new tokens of all, as one row. */
  TokenBatch tokens() {
    return TokenBatch.of(
        extensions.stream().flatMapToInt(e -> Arrays.stream(e.tokens())).toArray());
  }

  /** Where each token stands in its sequence, int64 [N]. */
  Tensor positions() {
    return positions;
  }

  /** The longest sequence. */
  int longest() {
    return extensions.stream().mapToInt(Extension::end).max().orElse(0);
  }

  /** Cosines and sines of every token's position, [N, 1, width/2]; of the open scope. */
  PositionTables.Angles angles(PositionTables tables, Rotary rotary) {
    int count = (int) positions.numel();
    if (!rotary.dependsOnLength()) {
      PositionTables.Angles all = tables.angles(rotary, longest());
      return new PositionTables.Angles(
          count, all.cosines().index_select(0, positions), all.sines().index_select(0, positions));
    }
    // As in the reference: frequencies for the sequence as long as it is now.
    List<PositionTables.Angles> each = new ArrayList<>();
    for (Extension extension : extensions) {
      PositionTables.Angles own = tables.angles(rotary, extension.end());
      int fresh = extension.tokens().length;
      each.add(
          new PositionTables.Angles(
              fresh,
              own.cosines().narrow(0, extension.start(), fresh).clone(),
              own.sines().narrow(0, extension.start(), fresh).clone()));
    }
    return new PositionTables.Angles(
        count,
        joined(each.stream().map(PositionTables.Angles::cosines), 0),
        joined(each.stream().map(PositionTables.Angles::sines), 0));
  }

  /**
   * Keeps what a block computed of the new tokens.
   *
   * @param keys [1, N, key heads, c], turned to their positions
   * @param values likewise
   */
  void put(int layer, Tensor keys, Tensor values) {
    int from = 0;
    for (Extension extension : extensions) {
      int fresh = extension.tokens().length;
      extension
          .into()
          .put(
              layer,
              keys.select(0, 0).narrow(0, from, fresh),
              values.select(0, 0).narrow(0, from, fresh));
      from += fresh;
    }
  }

  /**
   * What the kernel needs to know of the keys and values of a block; the caller closes it.
   *
   * @param few whether the queries are those of {@link #wanted} tokens
   */
  Sequences sequences(int layer, boolean few) {
    return new Sequences(
        asking(few).stream()
            .map(
                e ->
                    new Sequences.Sequence(
                        pieces(e)
                            .map(
                                piece ->
                                    new Sequences.Piece(
                                        device.data(piece.keys(layer)),
                                        device.data(piece.values(layer)),
                                        piece.count))
                            .toList(),
                        queries(e, few)))
            .toList());
  }

  private List<Extension> asking(boolean few) {
    return few && ends.isPresent() ? ends.get().of : extensions;
  }

  private int queries(Extension extension, boolean few) {
    return few && ends.isPresent() ? 1 : extension.tokens().length;
  }

  /** One sequence's part of a pass. */
  interface Mixing {
    /**
     * Mixes values.
     *
     * @param queries [1, n, heads, c], of the last n of S positions
     * @param keys [1, S, key heads, c]
     * @param values [1, S, key heads, c]
     * @return [1, n, heads · c]
     */
    Tensor mix(Tensor queries, Tensor keys, Tensor values);
  }

  /**
   * Attention sequence by sequence.
   *
   * @param queries [1, N, heads, c]
   * @param few whether they are those of {@link #wanted} tokens
   * @return [1, N, heads · c]
   */
  Tensor each(int layer, Tensor queries, boolean few, Mixing mixing) {
    List<Tensor> mixed = new ArrayList<>();
    int from = 0;
    for (Extension extension : asking(few)) {
      int fresh = queries(extension, few);
      mixed.add(
          mixing.mix(
              queries.narrow(1, from, fresh),
              joined(pieces(extension).map(p -> p.keys(layer)), 0).unsqueeze(0),
              joined(pieces(extension).map(p -> p.values(layer)), 0).unsqueeze(0)));
      from += fresh;
    }
    return joined(mixed.stream(), 1);
  }

  /** The pass is over: the new tokens are held. */
  void finish() {
    extensions.forEach(e -> e.into().grow(e.tokens().length));
  }

  @Override
  public void close() {
    positions.close();
    ends.ifPresent(some -> some.rows.close());
  }

  /** Tokens at the beginning of a run. */
  private record Part(CachedRun run, int count) {
    Tensor keys(int layer) {
      return run.keys(layer, count);
    }

    Tensor values(int layer) {
      return run.values(layer, count);
    }
  }

  private static Stream<Part> pieces(Extension extension) {
    CachedRun into = Objects.requireNonNull(extension.into());
    return Stream.concat(
        extension.before().stream().map(run -> new Part(run, run.length())),
        Stream.of(new Part(into, into.length() + extension.tokens().length)));
  }

  private static Tensor joined(Stream<Tensor> parts, int dimension) {
    Tensor[] all = parts.toArray(Tensor[]::new);
    return all.length == 1 ? all[0] : torch.cat(new TensorVector(all), dimension);
  }
}
