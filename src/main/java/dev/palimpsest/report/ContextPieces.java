package dev.palimpsest.report;

import dev.palimpsest.report.HtmlReport.PageParts.Piece;
import java.util.ArrayList;
import java.util.List;

/**
 * Cuts a context into shaded tokens and the plain text between them, so that a page of thousands
 * stays small.
 */
final class ContextPieces {
  /**
   * Guesses below this share of the maximum are not drawn: a calibrated mean is hardly ever exactly
   * 0.
   */
  private static final double LEAST_GUESS = 0.04;

  private ContextPieces() {}

  static List<Piece> of(LatentPage.Context context, double maximum, Numbers numbers) {
    double scale = maximum > 0 ? maximum : Math.max(context.strongest(), 1e-30);
    List<Piece> pieces = new ArrayList<>();
    StringBuilder plain = new StringBuilder();
    for (LatentPage.ContextToken token : context.tokens()) {
      double activation = share(token.activation(), scale);
      double guess = share(token.guess().orElse(0), scale);
      guess = guess < LEAST_GUESS ? 0 : guess;
      if (activation <= 0 && guess <= 0) {
        plain.append(token.text());
        continue;
      }
      // A leading space stands before the shading: words look better so, and lines break there.
      String text = token.text();
      if (text.startsWith(" ") && !text.isBlank()) {
        plain.append(' ');
        text = text.substring(1);
      }
      flush(plain, pieces);
      String tooltip =
          "'"
              + TokenText.visible(token.text())
              + "': activation "
              + numbers.fixed(token.activation(), 3);
      if (token.guess().isPresent()) {
        tooltip += ", guessed " + numbers.fixed(token.guess(), 3);
      }
      pieces.add(new Piece(TokenText.visible(text), activation, guess, tooltip));
    }
    flush(plain, pieces);
    return pieces;
  }

  private static void flush(StringBuilder plain, List<Piece> pieces) {
    if (!plain.isEmpty()) {
      pieces.add(new Piece(TokenText.visible(plain.toString()), 0, 0, ""));
      plain.setLength(0);
    }
  }

  /** Share of the scale in hundredths, rounded up: the faintest activation still shows. */
  private static double share(double value, double scale) {
    return Math.ceil(Math.max(0, Math.min(1, value / scale)) * 100) / 100;
  }
}
