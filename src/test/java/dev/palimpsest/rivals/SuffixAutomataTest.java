package dev.palimpsest.rivals;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.palimpsest.latents.LatentBatch;
import org.junit.jupiter.api.Test;

class SuffixAutomataTest {
  /** Latent 0 writes (1, 0), latent 1 writes (0, 10). */
  private static final float[][] DECODER = {{1, 0}, {0, 10}};

  /** Two latents' activations at each of six tokens. */
  private static LatentBatch batch(int[] tokens, float[] first, float[] second) {
    int[] kept = {0, 1, 2, 3, 4, 5};
    int[] latents = new int[12];
    float[] activations = new float[12];
    for (int i = 0; i < 6; i++) {
      latents[2 * i] = 1;
      activations[2 * i] = second[i];
      activations[2 * i + 1] = first[i];
    }
    return new LatentBatch(0, 1, 6, tokens, kept, 2, latents, activations, new float[12]);
  }

  private static float[] said(SuffixAutomata automata, int... context) {
    float[] into = new float[2];
    automata.predict(context, context.length - 1, into, 0);
    return into;
  }

  @Test
  void aLongerSuffixBeatsAShorterOneAndSilenceCounts() {
    SuffixAutomata automata = new SuffixAutomata(DECODER);
    // Latent 0 fires on 7 after 3 with 6, elsewhere on 7 not; latent 1 on nothing.
    automata.add(batch(new int[] {3, 7, 4, 7, 5, 7}, new float[] {0, 6, 0, 0, 0, 0}, new float[6]));
    automata.finish();
    // 7 alone: (6 + 0 + 0 + default 0) / (3 + 1) = 1.5; after 3: (6 + 1.5) / 2 = 3.75.
    assertThat(said(automata, 4, 7)[0]).isCloseTo(1.5f, within(1e-5f));
    // The whole context of the example, of two tokens, is all there is: no third.
    assertThat(said(automata, 9, 3, 7)[0]).isCloseTo(3.75f, within(1e-5f));
    assertThat(said(automata, 3, 8)).containsExactly(0, 0);
  }

  @Test
  void whatFiresEverywhereHasItsMeanWhereNoSuffixMatches() {
    SuffixAutomata automata = new SuffixAutomata(DECODER);
    for (int i = 0; i < 20; i++) {
      automata.add(
          batch(new int[] {1, 1, 1, 1, 1, 2}, new float[6], new float[] {1, 1, 1, 1, 1, 3}));
    }
    automata.finish();
    // Its twenty strongest examples all end in 2: (20 · 3 + 1) / 21; elsewhere it is 1.
    assertThat(said(automata, 1)[1]).isCloseTo(10f, within(1e-4f));
    assertThat(said(automata, 2)[1]).isCloseTo(610f / 21, within(1e-3f));
  }
}
