package dev.palimpsest.prompted;

import dev.palimpsest.text.TextPiece;
import dev.palimpsest.text.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;

/**
 * Windows of tokens as prompts show them. Tokens that only together are characters stay together.
 */
public final class WindowWords {
  private static final int LEVELS = 10;

  private final Tokenizer tokenizer;

  /**
   * @param tokenizer of the model whose latents are explained
   */
  public WindowWords(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /** As it reads. */
  String plain(int[] tokens) {
    return marked(tokens, any -> false);
  }

  /**
   * With {@code <<} and {@code >>} around the tokens that are marked; neighbours stand between one
   * pair.
   *
   * @param marks by position
   */
  String marked(int[] tokens, IntPredicate marks) {
    StringBuilder text = new StringBuilder();
    boolean open = false;
    for (TextPiece piece : tokenizer.pieces(tokens)) {
      boolean mark = any(piece, marks);
      if (mark && !open) {
        text.append("<<");
      } else if (open && !mark) {
        text.append(">>");
      }
      open = mark;
      text.append(piece.text());
    }
    return open ? text.append(">>").toString() : text.toString();
  }

  private static boolean any(TextPiece piece, IntPredicate marks) {
    for (int i = piece.from(); i < piece.to(); i++) {
      if (marks.test(i)) {
        return true;
      }
    }
    return false;
  }

  /** Each piece, with control characters spelled so that it stays on its line. */
  List<String> visiblePieces(int[] tokens) {
    return tokenizer.pieces(tokens).stream()
        .map(piece -> piece.text().replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r"))
        .toList();
  }

  /** The place, among the pieces, of the one that a token is part of. */
  int pieceOf(int[] tokens, int position) {
    List<TextPiece> pieces = tokenizer.pieces(tokens);
    return (int) pieces.stream().filter(piece -> piece.to() <= position).count();
  }

  /**
   * The list of ("token", 0–10) pairs of the marked tokens.
   *
   * @param maximum the latent's, which is 10
   */
  String pairs(int[] tokens, float[] activations, IntPredicate marks, float maximum) {
    List<String> pairs = new ArrayList<>();
    for (TextPiece piece : tokenizer.pieces(tokens)) {
      if (any(piece, marks)) {
        float strongest = 0;
        for (int i = piece.from(); i < piece.to(); i++) {
          strongest = Math.max(strongest, activations[i]);
        }
        pairs.add("(\"" + piece.text() + "\", " + level(strongest, maximum) + ")");
      }
    }
    return String.join(", ", pairs);
  }

  /** Rounded up, so that what fires is never shown as silent. */
  static int level(float activation, float maximum) {
    return maximum > 0
        ? (int) Math.min(LEVELS, Math.ceil(LEVELS * (double) activation / maximum))
        : 0;
  }
}
