package dev.palimpsest.text;

import java.nio.file.Path;
import java.util.List;

/** The corpus's readers for tests of other packages. */
public final class CorpusFuzzing {
  private CorpusFuzzing() {}

  /** Reads a file of text or of tokens whole, with a cache of its own. */
  public static void read(Path file, Path cache) {
    Corpus corpus =
        Corpus.open(
            List.of(file.toString()), new LetterEncoder(), 0, cache, CorpusOptions.defaults());
    for (Split split : Split.values()) {
      TokenWindows windows = corpus.windows(split, 4);
      int[] tokens = new int[4];
      for (long window = 0; window < Math.min(windows.size(), 20); window++) {
        windows.read(window, tokens, 0);
      }
    }
  }

  /** Checks a tokenizer's file without handing it to native code. */
  public static void checkTokenizer(Path folder) {
    Path file = folder.resolve("tokenizer.json");
    Vocabulary.read(file, TokenizerFile.read(file).root());
  }

  /** A character is a token; 0 ends a text. */
  private record LetterEncoder() implements TextEncoder {
    @Override
    public int[] encode(String text) {
      return text.chars().map(c -> 1 + c % 199).toArray();
    }

    @Override
    public int vocabularySize() {
      return 200;
    }

    @Override
    public java.util.OptionalInt separator() {
      return java.util.OptionalInt.of(0);
    }

    @Override
    public String fingerprint() {
      return "letters";
    }
  }
}
