package dev.palimpsest.lexical;

import dev.palimpsest.text.TokenNames;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * All that explanations of a vocabulary can name: its tokens, the forms of a word, spelling kinds,
 * and the classes of a glossary. Each has a number, its symbol: tokens their ids, the rest those
 * from the vocabulary's size on. Immutable.
 */
public final class Lexicon {
  private static final int MOST_SPECIFIC = 1000;

  private final TokenNames names;
  private final Glossary glossary;
  private final Lexemes forms;
  private final List<String> written = new ArrayList<>();
  private final List<List<Integer>> members = new ArrayList<>();
  private final Map<String, Integer> lexemes = new HashMap<>();
  private final Map<String, Integer> classes = new HashMap<>();
  private final Map<String, Integer> kinds = new HashMap<>();
  private final int firstKind;
  private final int firstClass;
  private final int[][] groups;

  /**
   * @param names the vocabulary
   * @param glossary its word classes
   */
  public Lexicon(TokenNames names, Glossary glossary) {
    this.names = names;
    this.glossary = glossary;
    forms = new Lexemes(names);
    forms.forms().forEach((base, tokens) -> add(lexemes, base, English.FORMS + " " + base, tokens));
    firstKind = size();
    for (WordKind kind : WordKind.values()) {
      List<Integer> tokens = new ArrayList<>();
      for (int token = 0; token < names.size(); token++) {
        if (kind.has(token, names)) {
          tokens.add(token);
        }
      }
      add(kinds, kind.word(), kind.word(), tokens);
    }
    firstClass = size();
    for (WordClass each : glossary.classes()) {
      add(classes, each.name(), each.name() + English.LIKE, each.tokens());
    }
    groups = groups();
  }

  private void add(Map<String, Integer> index, String name, String spelt, List<Integer> tokens) {
    index.put(name, size());
    written.add(spelt);
    members.add(List.copyOf(tokens));
  }

  private int[][] groups() {
    List<List<Integer>> lists = new ArrayList<>(names.size());
    for (int token = 0; token < names.size(); token++) {
      lists.add(new ArrayList<>(2));
    }
    for (int group = 0; group < members.size(); group++) {
      for (int token : members.get(group)) {
        lists.get(token).add(names.size() + group);
      }
    }
    int[][] found = new int[names.size()][];
    for (int token = 0; token < found.length; token++) {
      found[token] = lists.get(token).stream().mapToInt(i -> i).toArray();
    }
    return found;
  }

  /** The vocabulary. */
  public TokenNames names() {
    return names;
  }

  /** The word classes. */
  public Glossary glossary() {
    return glossary;
  }

  /** Number of symbols. */
  int size() {
    return names.size() + members.size();
  }

  /** Whether the symbol stands for several tokens. */
  boolean isGroup(int symbol) {
    return symbol >= names.size();
  }

  /** Whether the symbol is a class of the glossary. */
  boolean isClass(int symbol) {
    return symbol >= firstClass;
  }

  /** The groups that a token is in, ascending; not to be changed. */
  int[] groupsOf(int token) {
    return groups[token];
  }

  /** The tokens that a group stands for. */
  List<Integer> members(int group) {
    return members.get(group - names.size());
  }

  /** How explanations write a symbol. */
  String write(int symbol) {
    return isGroup(symbol) ? written.get(symbol - names.size()) : TokenWords.write(symbol, names);
  }

  /** The forms of a word; {@link TokenNames#UNKNOWN} where it has but one, or none. */
  int lexeme(String base) {
    return lexemes.getOrDefault(base, TokenNames.UNKNOWN);
  }

  /** The forms that a token is one of, or {@link TokenNames#UNKNOWN}. */
  int lexemeOf(int token) {
    for (int group : groups[token]) {
      if (group < firstKind) {
        return group;
      }
    }
    return TokenNames.UNKNOWN;
  }

  /** The basic form of a word in small letters, as far as it is known. */
  String base(String word) {
    return forms.base(word);
  }

  /** A class by its name, or {@link TokenNames#UNKNOWN}. */
  int wordClass(String name) {
    return classes.getOrDefault(name, TokenNames.UNKNOWN);
  }

  /** A spelling kind by its word, or {@link TokenNames#UNKNOWN}. */
  int kind(String word) {
    return kinds.getOrDefault(word, TokenNames.UNKNOWN);
  }

  /**
   * How much a symbol says: of two clauses about one token the one that says more counts. A token
   * says more than its forms, those more than a class, a small class more than a large one, and any
   * class more than a spelling kind.
   */
  int specificity(int symbol) {
    if (symbol < 0) {
      return 0;
    }
    if (!isGroup(symbol)) {
      return MOST_SPECIFIC;
    }
    if (symbol < firstKind) {
      return MOST_SPECIFIC - 1;
    }
    return symbol < firstClass ? 1 : Math.max(2, MOST_SPECIFIC - 1 - members(symbol).size());
  }
}
