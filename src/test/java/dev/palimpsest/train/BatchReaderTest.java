package dev.palimpsest.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.model.TokenBatch;
import dev.palimpsest.text.TokenWindows;
import dev.palimpsest.text.WindowOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BatchReaderTest {
  private static final int WINDOWS = 12;

  /** Windows of two tokens, both the window's number. */
  private static final TokenWindows NUMBERED =
      new TokenWindows() {
        @Override
        public int contextLength() {
          return 2;
        }

        @Override
        public long size() {
          return WINDOWS;
        }

        @Override
        public void read(long index, int[] into, int offset) {
          into[offset] = (int) index;
          into[offset + 1] = (int) index;
        }

        @Override
        public long document(long index) {
          return index;
        }
      };

  private static List<Integer> read(BatchReader reader, long firstStep, long steps) {
    List<Integer> seen = new ArrayList<>();
    TokenBatch batch = reader.newBatch();
    for (long step = firstStep; step < firstStep + steps; step++) {
      reader.read(step, batch);
      for (int i = 0; i < batch.ids().length; i += 2) {
        seen.add(batch.ids()[i]);
      }
    }
    return seen;
  }

  @Test
  void onePassReadsEveryWindowOnceAndTheNextInAnotherOrder() {
    BatchReader reader = new BatchReader(NUMBERED, new WindowOrder(WINDOWS, 5), 6);
    List<Integer> first = read(reader, 0, 4);
    List<Integer> second = read(reader, 4, 4);
    Integer[] all = IntStream.range(0, WINDOWS).boxed().toArray(Integer[]::new);
    assertThat(first).containsExactlyInAnyOrder(all).isNotEqualTo(List.of(all));
    assertThat(second).containsExactlyInAnyOrder(all).isNotEqualTo(first);
  }

  @Test
  void aStepReadsTheSameWhetherOrNotThoseBeforeItWereRead() {
    BatchReader one = new BatchReader(NUMBERED, new WindowOrder(WINDOWS, 5), 6);
    BatchReader other = new BatchReader(NUMBERED, new WindowOrder(WINDOWS, 5), 6);
    List<Integer> all = read(one, 0, 7);
    assertThat(read(other, 6, 1)).isEqualTo(all.subList(18, 21));
  }
}
