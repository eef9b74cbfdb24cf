package dev.palimpsest.lexical;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Quoted;
import dev.palimpsest.explain.Explanation;
import dev.palimpsest.explain.ExplanationStore;
import dev.palimpsest.text.TokenNames;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Reads a file of explanations in the small English and says where it cannot mean what its writer
 * meant: before hours are spent on it.
 *
 * @param explanations all of the file
 * @param warnings names that no token has, a line each: file, line, place in the text, and the
 *     nearest names that there are. They never match, which a person would not expect
 */
public record ExplanationCheck(List<Explanation> explanations, List<String> warnings) {
  /** Unknown names that are told; the rest are counted. */
  private static final int TOLD = 20;

  private static final int NEAREST = 3;

  /** Copies the lists. */
  public ExplanationCheck {
    explanations = List.copyOf(explanations);
    warnings = List.copyOf(warnings);
  }

  /**
   * Reads and checks a file.
   *
   * @param latents number of latents M
   * @throws PalimpsestException naming file and line where it is damaged, a latent is not below M,
   *     or a text is not in the small English, with the place in the text
   */
  public static ExplanationCheck read(Path file, int latents, TokenNames names) {
    List<Explanation> explanations = new ArrayList<>();
    List<String> warnings = new ArrayList<>();
    int unknown = 0;
    for (ExplanationStore.Line line : ExplanationStore.lines(file)) {
      Explanation explanation = line.explanation();
      String place = file + " line " + line.number();
      if (explanation.latent() >= latents) {
        throw new PalimpsestException(
            place + ": latent " + explanation.latent() + ", but the coder has " + latents);
      }
      place += ", latent " + explanation.latent();
      for (UnknownToken token : unknown(explanation.text(), names, place)) {
        if (unknown++ < TOLD) {
          warnings.add(place + ", character " + token.character() + ": " + warning(token, names));
        }
      }
      explanations.add(explanation);
    }
    if (unknown > TOLD) {
      warnings.add(file + ": " + (unknown - TOLD) + " more names that no token has");
    }
    return new ExplanationCheck(explanations, warnings);
  }

  private static List<UnknownToken> unknown(String text, TokenNames names, String place) {
    List<UnknownToken> unknown = new ArrayList<>();
    try {
      ScorecardText.parse(text, names, unknown::add);
    } catch (PalimpsestException fault) {
      throw new PalimpsestException(place + ": " + fault.getMessage(), fault);
    }
    return unknown;
  }

  private static String warning(UnknownToken token, TokenNames names) {
    String nearest =
        names.nearest(token.text(), NEAREST).stream()
            .map(names::name)
            .collect(Collectors.joining(", "));
    return "no token is \""
        + Quoted.of(token.text())
        + "\", so it never matches"
        + (nearest.isEmpty() ? "" : "; nearest: " + nearest);
  }

  /**
   * The explanations, where nothing is to be warned of.
   *
   * @throws PalimpsestException with the first warning
   */
  public List<Explanation> strict() {
    if (!warnings.isEmpty()) {
      throw new PalimpsestException(warnings.get(0));
    }
    return explanations;
  }
}
