package dev.palimpsest.fuzz;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A process that loads damaged tokenizers into native code, which may end it: what it had in hand
 * is the last line it printed.
 */
final class TokenizerFuzzChild {
  private static final List<String> TEXTS =
      List.of(
          "ab a  b\n\n\nc 123 é 🙂 <s>'t",
          " ".repeat(3000) + "x",
          "a".repeat(3000),
          "a1".repeat(500),
          "\r\n\t\u0000",
          "Ġab▁ab##ab");

  private TokenizerFuzzChild() {}

  /** Arguments: seed of the first input, how many, folder to work in. */
  public static void main(String[] arguments) throws IOException {
    long first = Long.parseLong(arguments[0]);
    long count = Long.parseLong(arguments[1]);
    Path folder = Path.of(arguments[2]);
    List<byte[]> good = TokenizerSamples.all();
    for (long seed = first; seed < first + count; seed++) {
      byte[] damaged = input(seed, good);
      Files.write(folder.resolve("tokenizer.json"), damaged);
      System.out.println("input " + seed);
      System.out.println(answer(folder));
    }
  }

  static byte[] input(long seed, List<byte[]> good) {
    java.util.SplittableRandom random = new java.util.SplittableRandom(seed);
    byte[] whole = good.get(random.nextInt(good.size()));
    byte[] other = good.get(random.nextInt(good.size()));
    return new Mutator(random.nextLong()).damaged(Mutator.Kind.JSON, whole, other);
  }

  private static String answer(Path folder) {
    try (Tokenizer tokenizer = Tokenizer.load(folder)) {
      for (String text : TEXTS) {
        tokenizer.decode(tokenizer.encode(text));
      }
      tokenizer.encodeAll(TEXTS);
      for (int id = 0; id < 8; id++) {
        tokenizer.decode(id);
        tokenizer.token(id);
      }
      return "read";
    } catch (PalimpsestException refused) {
      return String.valueOf(refused.getMessage()).matches("[^\\p{Cc}]{1,500}")
          ? "refused"
          : "BAD message " + refused.getMessage();
    } catch (Throwable unexpected) {
      return "BAD " + unexpected + " " + List.of(unexpected.getStackTrace()).subList(0, 1);
    }
  }
}
