package dev.palimpsest.kernels;

import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;

/**
 * What sequences of different lengths hold, in pieces that several may share ({@code
 * pal_cpu_sequences}). The arrays are the caller's and must outlive this object.
 */
public final class Sequences implements AutoCloseable {
  /**
   * Consecutive positions.
   *
   * @param keys [positions, key heads, channels]
   * @param values likewise
   * @param positions how many
   */
  public record Piece(FloatPointer keys, FloatPointer values, long positions) {}

  /**
   * One sequence.
   *
   * @param pieces in order; together at least the new positions
   * @param fresh how many new positions it has, at its end
   */
  public record Sequence(List<Piece> pieces, long fresh) {}

  private final long queries;
  private final List<LongPointer> arrays;
  private final NativeKernels.Sequences struct;

  /** Of sequences in the order of their queries. */
  public Sequences(List<Sequence> sequences) {
    long[] firstQuery = new long[sequences.size() + 1];
    long[] firstPiece = new long[sequences.size() + 1];
    for (int i = 0; i < sequences.size(); i++) {
      firstQuery[i + 1] = firstQuery[i] + sequences.get(i).fresh();
      firstPiece[i + 1] = firstPiece[i] + sequences.get(i).pieces().size();
    }
    List<Piece> pieces = sequences.stream().flatMap(s -> s.pieces().stream()).toList();
    queries = firstQuery[sequences.size()];
    arrays =
        List.of(
            new LongPointer(firstQuery),
            new LongPointer(firstPiece),
            new LongPointer(pieces.stream().mapToLong(p -> Addresses.of(p.keys())).toArray()),
            new LongPointer(pieces.stream().mapToLong(p -> Addresses.of(p.values())).toArray()),
            new LongPointer(pieces.stream().mapToLong(Piece::positions).toArray()));
    struct =
        new NativeKernels.Sequences()
            .count(sequences.size())
            .first_query(arrays.get(0))
            .first_piece(arrays.get(1))
            .keys(arrays.get(2))
            .values(arrays.get(3))
            .piece_length(arrays.get(4));
  }

  /** New positions of all. */
  public long queries() {
    return queries;
  }

  NativeKernels.Sequences struct() {
    return struct;
  }

  @Override
  public void close() {
    struct.close();
    arrays.forEach(LongPointer::close);
  }
}
