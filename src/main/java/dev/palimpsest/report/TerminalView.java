package dev.palimpsest.report;

import dev.palimpsest.report.LatentPage.Context;
import dev.palimpsest.report.LatentPage.ContextToken;
import dev.palimpsest.report.LatentPage.Histogram;
import dev.palimpsest.report.LatentPage.TokenWeight;
import java.util.List;
import java.util.Locale;

/**
 * One latent on a terminal. With colours the ground of a token is the stronger the more active the
 * latent; without them active tokens stand between signs, {@code «token»3} being 3 tenths of the
 * maximum. Token text is made visible first, so that it cannot send commands to the terminal.
 */
public final class TerminalView {
  private static final String RESET = "\u001b[0m";
  private static final String BOLD = "\u001b[1m";
  private static final String FAINT = "\u001b[2m";

  /** Grounds of the 256-colour cube from faint to strong; the text on them is black. */
  private static final int[] GROUNDS = {230, 229, 222, 221, 215, 214, 208};

  private static final String NO_CACHE = "there is no latent cache of it that holds";

  private static final String BARS = " ▁▂▃▄▅▆▇█";

  private final boolean colours;
  private final Numbers numbers = new Numbers();

  /**
   * @param colours whether the terminal understands ANSI colours
   */
  public TerminalView(boolean colours) {
    this.colours = colours;
  }

  /** The page as lines, with a final newline. */
  public String render(LatentPage page) {
    StringBuilder out = new StringBuilder();
    out.append(bold(TokenText.visible(page.coder()) + " · latent " + page.latent()));
    page.chosenAs().forEach(why -> out.append("  [").append(why).append(']'));
    out.append('\n');
    page.scores()
        .forEach(
            s ->
                out.append(s.name()).append(' ').append(numbers.fixed(s.value(), 3)).append(" · "));
    if (page.density().isPresent()) {
      out.append("active at ")
          .append(numbers.density(page.density()))
          .append(" of tokens · maximum ")
          .append(numbers.fixed(page.maximum(), 3));
    } else {
      out.append("how often it is active is not known: ").append(NO_CACHE);
    }
    out.append("\n\n");
    if (page.explanation().isPresent()) {
      out.append(TokenText.prose(page.explanation().get()));
      out.append(page.explainer().isEmpty() ? "" : faint("  (" + page.explainer() + ")"));
    } else {
      out.append(faint("not explained"));
    }
    out.append("\n\n");
    page.notes().forEach(note -> out.append(TokenText.visible(note)).append("\n\n"));
    tokens(out, "promotes", page.promoted());
    tokens(out, "demotes ", page.demoted());
    page.histogram().filter(h -> !h.counts().isEmpty()).ifPresent(h -> histogram(out, h));
    if (page.contexts().isEmpty()) {
      String why = page.density().isPresent() ? "the latent was not seen active" : NO_CACHE;
      out.append(faint("no contexts: " + why)).append('\n');
    }
    for (Context context : page.contexts()) {
      out.append('\n').append(context(context, page.maximum().orElse(0))).append('\n');
    }
    return out.toString();
  }

  private void tokens(StringBuilder out, String title, List<TokenWeight> tokens) {
    if (tokens.isEmpty()) {
      return;
    }
    out.append(bold(title)).append(' ');
    for (TokenWeight token : tokens) {
      out.append(' ')
          .append(TokenText.alone(token.token()))
          .append(' ')
          .append(faint(numbers.signed(token.weight(), 3)));
    }
    out.append('\n');
  }

  /** Heights by square root, so that the rare strong activations can be seen. */
  private void histogram(StringBuilder out, Histogram histogram) {
    long most = 1;
    for (long count : histogram.counts()) {
      most = Math.max(most, count);
    }
    out.append(bold("activity")).append("  ").append(numbers.fixed(histogram.low(), 2)).append(' ');
    for (long count : histogram.counts()) {
      int level =
          count == 0 ? 0 : (int) Math.max(1, Math.round(Math.sqrt((double) count / most) * 8));
      out.append(BARS.charAt(level));
    }
    out.append(' ').append(numbers.fixed(histogram.high(), 2)).append('\n');
  }

  private String context(Context context, double maximum) {
    StringBuilder out = new StringBuilder();
    if (!context.label().isEmpty()) {
      String label = context.label() + " " + numbers.fixed(context.strongest(), 2);
      out.append(faint(String.format(Locale.ROOT, "%-16s", label))).append(' ');
    }
    double scale = maximum > 0 ? maximum : Math.max(context.strongest(), 1e-30);
    for (ContextToken token : context.tokens()) {
      String text = TokenText.visible(token.text());
      double share = Math.max(0, Math.min(1, token.activation() / scale));
      if (share <= 0) {
        out.append(text);
      } else if (colours) {
        int ground = GROUNDS[(int) Math.min(GROUNDS.length - 1, share * GROUNDS.length)];
        out.append("\u001b[48;5;").append(ground).append("m\u001b[30m").append(text).append(RESET);
      } else {
        int tenths = (int) Math.max(1, Math.round(share * 10));
        int lead = text.startsWith(" ") ? 1 : 0;
        out.append(text, 0, lead)
            .append('«')
            .append(text, lead, text.length())
            .append('»')
            .append(tenths);
      }
    }
    return out.toString();
  }

  private String bold(String text) {
    return colours ? BOLD + text + RESET : text;
  }

  private String faint(String text) {
    return colours ? FAINT + text + RESET : text;
  }
}
