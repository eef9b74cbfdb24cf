package dev.palimpsest.lexical;

import dev.palimpsest.text.TokenNames;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * The inflected forms of English words, as far as a vocabulary has them as single tokens: {@code
 * play, plays, played, playing, Play}. Found by the usual endings and a short list of irregular
 * forms; every token has at most one basic form.
 */
final class Lexemes {
  private static final String IRREGULAR =
      "be:is,are,was,were,been,am,being go:went,gone,goes have:has,had do:did,done,does say:said"
          + " see:saw,seen come:came run:ran take:took,taken make:made get:got,gotten"
          + " give:gave,given find:found feel:felt think:thought know:knew,known tell:told sit:sat"
          + " eat:ate,eaten begin:began,begun keep:kept hear:heard leave:left hold:held"
          + " bring:brought buy:bought fall:fell,fallen fly:flew,flown grow:grew,grown lose:lost"
          + " meet:met stand:stood catch:caught build:built sleep:slept swim:swam write:wrote"
          + " break:broke,broken hide:hid throw:threw wear:wore speak:spoke teach:taught win:won"
          + " sing:sang drink:drank ride:rode wake:woke child:children mouse:mice man:men"
          + " woman:women foot:feet tooth:teeth";
  private static final int SHORTEST_STEM = 3;
  private static final String VOWELS = "aeiouy";
  private static final Map<String, String> BASE_OF_IRREGULAR = irregular();

  private final TokenNames names;
  private final Map<String, List<Integer>> forms = new TreeMap<>();

  Lexemes(TokenNames names) {
    this.names = names;
    for (int token = 0; token < names.size(); token++) {
      String text = names.text(token);
      if (isWord(text)) {
        String word = text.strip();
        String base = base(word.toLowerCase(Locale.ROOT));
        base = known(base) ? base : Character.toUpperCase(base.charAt(0)) + base.substring(1);
        forms.computeIfAbsent(base, key -> new ArrayList<>()).add(token);
      }
    }
    forms.values().removeIf(tokens -> tokens.size() < 2);
  }

  /** Basic forms that have at least two tokens, with those, in alphabetical order. */
  Map<String, List<Integer>> forms() {
    return forms;
  }

  private static boolean isWord(String text) {
    String word = text.strip();
    boolean whole =
        (text.length() > 2 && text.charAt(0) == ' ')
            || (word.length() > 1 && Character.isUpperCase(word.codePointAt(0)));
    return whole && word.length() >= 2 && word.codePoints().allMatch(Character::isLetter);
  }

  /** The basic form of a word in small letters, as far as the vocabulary has it; else the word. */
  String base(String word) {
    String irregular = BASE_OF_IRREGULAR.get(word);
    if (irregular != null && known(irregular)) {
      return irregular;
    }
    for (String stem : stems(word)) {
      if (stem.length() >= SHORTEST_STEM
          && stem.chars().anyMatch(c -> VOWELS.indexOf(c) >= 0)
          && known(stem)) {
        return stem;
      }
    }
    return word;
  }

  private boolean known(String word) {
    return names.idOf(" " + word) != TokenNames.UNKNOWN;
  }

  private static List<String> stems(String word) {
    List<String> stems = new ArrayList<>();
    if (word.endsWith("ies") || word.endsWith("ied")) {
      stems.add(cut(word, 3) + "y");
    }
    if (word.endsWith("s") && !word.endsWith("ss")) {
      stems.add(cut(word, 1));
    }
    if (word.endsWith("es")) {
      stems.add(cut(word, 2));
    }
    int ending = word.endsWith("ed") ? 2 : word.endsWith("ing") ? 3 : 0;
    if (ending > 0 && word.length() > ending) {
      String stem = cut(word, ending);
      int last = stem.length() - 1;
      if (last > 0 && stem.charAt(last) == stem.charAt(last - 1)) {
        stems.add(cut(stem, 1));
      }
      stems.add(stem + "e");
      stems.add(stem);
    }
    return stems;
  }

  private static String cut(String word, int letters) {
    return word.substring(0, Math.max(0, word.length() - letters));
  }

  private static Map<String, String> irregular() {
    Map<String, String> bases = new HashMap<>();
    for (String entry : IRREGULAR.split(" ", -1)) {
      int colon = entry.indexOf(':');
      for (String form : entry.substring(colon + 1).split(",", -1)) {
        bases.put(form, entry.substring(0, colon));
      }
    }
    return bases;
  }
}
