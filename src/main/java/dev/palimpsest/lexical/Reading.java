package dev.palimpsest.lexical;

import dev.palimpsest.base.PalimpsestException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * How a text was understood.
 *
 * @param card what it means
 * @param unknown names in it that no token has, in the order of the text
 * @param note where it is not in the controlled English: what was expected, what of it was
 *     understood, and what ignored
 */
record Reading(Scorecard card, List<UnknownToken> unknown, Optional<String> note) {
  /** How texts of the first style end: {@code Fires on cat 7; starts at -5.} */
  private static final Pattern FIRST_STYLE =
      Pattern.compile("(?s).*\\bstarts at [-+]?\\d+\\s*\\.?\\s*");

  /** Copies the list. */
  Reading {
    unknown = List.copyOf(unknown);
  }

  /**
   * Reads a text: the controlled English exactly, any other as far as it is understood.
   *
   * @throws PalimpsestException where it is in the style of earlier versions
   */
  static Reading of(String text, Lexicon lexicon) {
    if (FIRST_STYLE.matcher(text).matches()) {
      throw new PalimpsestException(
          "the text is in the style of earlier versions (\"… starts at -5.\"), which is no longer"
              + " read; 'palimpsest explain' with --replace-texts writes all texts anew");
    }
    List<UnknownToken> unknown = new ArrayList<>();
    try {
      return new Reading(
          EnglishReader.read(text, lexicon, unknown::add), unknown, Optional.empty());
    } catch (PalimpsestException other) {
      FreeEnglish free = FreeEnglish.read(text, lexicon);
      return new Reading(
          free.card(), List.of(), Optional.of(other.getMessage() + "; " + free.note()));
    }
  }
}
