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
 * Reads a file of explanations and says where it may not mean what its writer meant: before hours
 * are spent on it.
 *
 * @param explanations all of the file
 * @param warnings a line each, with file, line and place in the text: texts that are not in the
 *     controlled English, with what of them is understood and what ignored; and names that no token
 *     has, with the nearest that there are: they never match, which a person would not expect
 */
public record ExplanationCheck(List<Explanation> explanations, List<String> warnings) {
  /** Warnings that are told; the rest are counted. */
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
   *     or a text is in the style of earlier versions
   */
  public static ExplanationCheck read(Path file, int latents, Lexicon lexicon) {
    List<Explanation> explanations = new ArrayList<>();
    List<String> warnings = new ArrayList<>();
    int all = 0;
    for (ExplanationStore.Line line : ExplanationStore.lines(file)) {
      Explanation explanation = line.explanation();
      String place = file + " line " + line.number();
      if (explanation.latent() >= latents) {
        throw new PalimpsestException(
            place + ": latent " + explanation.latent() + ", but the coder has " + latents);
      }
      place += ", latent " + explanation.latent();
      for (String warning : warnings(explanation.text(), lexicon, place)) {
        if (all++ < TOLD) {
          warnings.add(warning);
        }
      }
      explanations.add(explanation);
    }
    if (all > TOLD) {
      warnings.add(file + ": " + (all - TOLD) + " more such texts and names");
    }
    return new ExplanationCheck(explanations, warnings);
  }

  private static List<String> warnings(String text, Lexicon lexicon, String place) {
    Reading reading;
    try {
      reading = Reading.of(text, lexicon);
    } catch (PalimpsestException fault) {
      throw new PalimpsestException(place + ": " + fault.getMessage(), fault);
    }
    List<String> warnings = new ArrayList<>();
    reading.note().ifPresent(note -> warnings.add(place + ": " + note));
    for (UnknownToken token : reading.unknown()) {
      warnings.add(
          place + ", character " + token.character() + ": " + warning(token, lexicon.names()));
    }
    return warnings;
  }

  private static String warning(UnknownToken token, TokenNames names) {
    String nearest =
        names.nearest(token.text(), NEAREST).stream()
            .map(names::name)
            .collect(Collectors.joining(", "));
    return "no token or class is \""
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
