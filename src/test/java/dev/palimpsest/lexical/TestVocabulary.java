package dev.palimpsest.lexical;

import dev.palimpsest.text.TokenNames;
import java.util.List;
import java.util.OptionalInt;

/** A small vocabulary with everything that makes token text awkward. */
public final class TestVocabulary {
  private static final String[] TEXTS = {
    "<|endoftext|>",
    " the",
    " cat",
    " dog",
    "ing",
    ".",
    "\n",
    "\"",
    "'",
    "\\",
    "|",
    "*",
    " *",
    " ",
    "",
    "\uFFFD",
    "\uFFFD",
    " Tom",
    "Tom",
    "12",
    "'s",
    "\u202E",
    "\u00E9t\u00E9",
    " na\u00EFve",
    "a|b",
    " <b>",
    ";",
    ",",
    " after",
    "\t",
    " a",
    " b",
    " c",
    " play",
    " plays",
    " playing",
    " puppy",
    "After"
  };

  /** Names of the tokens; the first is the boundary between documents. */
  public static final TokenNames NAMES =
      TokenNames.of(TEXTS.length, id -> TEXTS[id], OptionalInt.of(0));

  /** The names with two word classes; "dog" is in both. */
  public static final Lexicon LEXICON =
      new Lexicon(
          NAMES,
          new Glossary(
              List.of(
                  new WordClass("dog", List.of(id(" dog"), id(" puppy"))),
                  new WordClass("cat", List.of(id(" cat"), id(" dog"), id(" puppy"))))));

  private TestVocabulary() {}

  /** The token with this text. */
  public static int id(String text) {
    return NAMES.idOf(text);
  }
}
