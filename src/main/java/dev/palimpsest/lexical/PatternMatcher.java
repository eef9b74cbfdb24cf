package dev.palimpsest.lexical;

import dev.palimpsest.text.TokenNames;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Finds, for every position of a context, which of many patterns match there; the work depends on
 * the text and on what matches, not on the number of patterns.
 *
 * <p>Sequences lie in one trie of reversed symbols for each distance from the position; a walk from
 * a position backwards passes every sequence that ends there. Immutable, safe for concurrent use.
 */
public final class PatternMatcher {
  /** Receives what matches at one position. */
  @FunctionalInterface
  public interface Sink {
    /**
     * @param position 0-based, ascending
     * @param patterns indices into the list of patterns, in no particular order, each once; valid
     *     during the call
     * @param count how many of them count
     */
    void accept(int position, int[] patterns, int count);
  }

  private final int size;
  private final int boundary;
  private final TraitReader traitReader;
  private final SequenceTrie[] tries;
  private final Reach[] reaches;
  private final int[][] traitPatterns;

  /** The nearby patterns of one reach: those that each token stands for. */
  @SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
  private record Reach(int tokens, int[][] patternsOfToken) {
    void add(int token, int pattern) {
      int[] before = patternsOfToken[token];
      patternsOfToken[token] = Arrays.copyOf(before, before.length + 1);
      patternsOfToken[token][before.length] = pattern;
    }
  }

  /**
   * @param patterns distinct
   */
  public PatternMatcher(List<Pattern> patterns, Lexicon lexicon) {
    TokenNames names = lexicon.names();
    size = patterns.size();
    boundary = names.boundary().orElse(TokenNames.UNKNOWN);
    traitReader = new TraitReader(names);
    Map<Integer, SequenceTrie> byBack = new TreeMap<>();
    Map<Integer, Reach> byReach = new TreeMap<>();
    List<int[]> traits = new ArrayList<>();
    for (int i = 0; i < patterns.size(); i++) {
      Pattern pattern = patterns.get(i);
      if (pattern instanceof Pattern.Sequence sequence) {
        byBack
            .computeIfAbsent(sequence.back(), back -> new SequenceTrie(back, lexicon))
            .add(sequence.symbols(), i);
      } else if (pattern instanceof Pattern.Nearby nearby) {
        Reach reach = byReach.computeIfAbsent(nearby.reach(), tokens -> reach(tokens, names));
        if (nearby.symbol() >= 0) {
          int index = i;
          List<Integer> tokens =
              lexicon.isGroup(nearby.symbol())
                  ? lexicon.members(nearby.symbol())
                  : List.of(nearby.symbol());
          tokens.forEach(token -> reach.add(token, index));
        }
      } else if (pattern instanceof Pattern.HasTrait has) {
        traits.add(new int[] {has.trait().bit(), i});
      }
    }
    tries = byBack.values().toArray(SequenceTrie[]::new);
    reaches = byReach.values().toArray(Reach[]::new);
    traitPatterns = traits.toArray(int[][]::new);
  }

  private static Reach reach(int tokens, TokenNames names) {
    int[][] none = new int[names.size()][];
    Arrays.fill(none, new int[0]);
    return new Reach(tokens, none);
  }

  /** Number of patterns. */
  public int size() {
    return size;
  }

  /**
   * Reports every position, with the patterns that match there.
   *
   * @param context token ids below the vocabulary's size
   */
  public void match(int[] context, Sink sink) {
    int[] traits = traitReader.read(context);
    int[] found = new int[Math.max(size, 1)];
    int[] lastSeen = new int[Math.max(size, 1)];
    int storyStart = 0;
    int sentenceStart = 0;
    for (int p = 0; p < context.length; p++) {
      if (context[p] == boundary) {
        storyStart = p;
        sentenceStart = p;
      } else if (p > 0 && traitReader.endsSentence(context[p - 1])) {
        sentenceStart = p;
      }
      int count = 0;
      for (SequenceTrie trie : tries) {
        count = trie.collect(context, p, found, count);
      }
      for (Reach reach : reaches) {
        int from =
            reach.tokens == Pattern.Nearby.SENTENCE
                ? sentenceStart
                : reach.tokens >= p - storyStart ? storyStart : p - reach.tokens;
        for (int q = from; q < p; q++) {
          for (int pattern : reach.patternsOfToken[context[q]]) {
            if (lastSeen[pattern] != p + 1) {
              lastSeen[pattern] = p + 1;
              found[count++] = pattern;
            }
          }
        }
      }
      for (int[] has : traitPatterns) {
        if ((traits[p] & has[0]) != 0) {
          found[count++] = has[1];
        }
      }
      sink.accept(p, found, count);
    }
  }
}
