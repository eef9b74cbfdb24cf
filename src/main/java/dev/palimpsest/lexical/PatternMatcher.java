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
 * <p>Sequences lie in one trie of reversed tokens for each distance from the position; a walk from
 * a position backwards passes every sequence that ends there. Immutable, safe for concurrent use.
 */
public final class PatternMatcher {
  private static final int NONE = -1;

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
  private final int vocabulary;
  private final int boundary;
  private final TraitReader traitReader;
  private final SequenceTrie[] tries;
  private final Reach[] reaches;
  private final int[][] traitPatterns;

  /** The nearby patterns of one reach: the pattern of a token, or {@link #NONE}. */
  @SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
  private record Reach(int tokens, int[] patternOfToken) {}

  /**
   * @param patterns distinct
   */
  public PatternMatcher(List<Pattern> patterns, TokenNames names) {
    size = patterns.size();
    vocabulary = names.size();
    boundary = names.boundary().orElse(TokenNames.UNKNOWN);
    traitReader = new TraitReader(names);
    Map<Integer, SequenceTrie> byBack = new TreeMap<>();
    Map<Integer, int[]> byReach = new TreeMap<>();
    List<int[]> traits = new ArrayList<>();
    for (int i = 0; i < patterns.size(); i++) {
      Pattern pattern = patterns.get(i);
      if (pattern instanceof Pattern.Sequence sequence) {
        byBack
            .computeIfAbsent(sequence.back(), back -> new SequenceTrie(back, vocabulary))
            .add(sequence.tokens(), i);
      } else if (pattern instanceof Pattern.Nearby nearby) {
        int[] patternOfToken =
            byReach.computeIfAbsent(
                nearby.reach(),
                reach -> {
                  int[] none = new int[vocabulary];
                  Arrays.fill(none, NONE);
                  return none;
                });
        if (nearby.token() >= 0) {
          patternOfToken[nearby.token()] = i;
        }
      } else if (pattern instanceof Pattern.HasTrait has) {
        traits.add(new int[] {has.back(), has.trait().bit(), i});
      }
    }
    tries = byBack.values().toArray(SequenceTrie[]::new);
    reaches =
        byReach.entrySet().stream()
            .map(entry -> new Reach(entry.getKey(), entry.getValue()))
            .toArray(Reach[]::new);
    traitPatterns = traits.toArray(int[][]::new);
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
    for (int p = 0; p < context.length; p++) {
      if (context[p] == boundary) {
        storyStart = p;
      }
      int count = 0;
      for (SequenceTrie trie : tries) {
        count = trie.collect(context, p, found, count);
      }
      for (Reach reach : reaches) {
        int from = reach.tokens >= p - storyStart ? storyStart : p - reach.tokens;
        for (int q = from; q < p; q++) {
          int pattern = reach.patternOfToken[context[q]];
          if (pattern != NONE && lastSeen[pattern] != p + 1) {
            lastSeen[pattern] = p + 1;
            found[count++] = pattern;
          }
        }
      }
      for (int[] has : traitPatterns) {
        if (has[0] <= p && (traits[p - has[0]] & has[1]) != 0) {
          found[count++] = has[2];
        }
      }
      sink.accept(p, found, count);
    }
  }
}
