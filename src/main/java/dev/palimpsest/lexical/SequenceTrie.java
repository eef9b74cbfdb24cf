package dev.palimpsest.lexical;

import dev.palimpsest.text.TokenNames;
import java.util.Arrays;
import java.util.List;

/**
 * The sequences that end a given number of tokens before a position, as a trie of their reversed
 * symbols.
 */
final class SequenceTrie {
  private static final int NONE = -1;
  private static final int ROOT = 0;

  /** What the edges below a node are of. */
  private static final int TOKENS = 1;

  private static final int GROUPS = 2;
  private static final int ANY = 4;

  private final int back;
  private final Lexicon lexicon;
  private final long branching;
  private final LongIntMap children = new LongIntMap(1024);
  private int[] patternOfNode = {NONE};
  private int[] below = {0};
  private int nodes = 1;

  SequenceTrie(int back, Lexicon lexicon) {
    this.back = back;
    this.lexicon = lexicon;
    this.branching = lexicon.size() + 1L;
  }

  /** Adds a sequence; one that holds an unknown token can never match and is left out. */
  void add(List<Integer> symbols, int pattern) {
    if (symbols.contains(TokenNames.UNKNOWN)) {
      return;
    }
    int node = ROOT;
    for (int i = symbols.size() - 1; i >= 0; i--) {
      int symbol = symbols.get(i);
      below[node] |= symbol == Pattern.ANY ? ANY : lexicon.isGroup(symbol) ? GROUPS : TOKENS;
      long edge = edge(node, symbol);
      int child = children.get(edge, NONE);
      if (child == NONE) {
        child = newNode();
        children.put(edge, child);
      }
      node = child;
    }
    patternOfNode[node] = pattern;
  }

  /**
   * Writes the patterns that match at {@code position} from {@code found[count]} on; returns the
   * new count.
   */
  int collect(int[] context, int position, int[] found, int count) {
    return position < back ? count : walk(ROOT, context, position - back, found, count);
  }

  private int walk(int node, int[] context, int at, int[] found, int count) {
    int reached = count;
    if (patternOfNode[node] != NONE) {
      found[reached++] = patternOfNode[node];
    }
    int kinds = below[node];
    if (at < 0 || kinds == 0) {
      return reached;
    }
    if ((kinds & TOKENS) != 0) {
      reached = follow(node, context[at], context, at, found, reached);
    }
    if ((kinds & GROUPS) != 0) {
      for (int group : lexicon.groupsOf(context[at])) {
        reached = follow(node, group, context, at, found, reached);
      }
    }
    return (kinds & ANY) == 0 ? reached : follow(node, Pattern.ANY, context, at, found, reached);
  }

  private int follow(int node, int symbol, int[] context, int at, int[] found, int count) {
    int child = children.get(edge(node, symbol), NONE);
    return child == NONE ? count : walk(child, context, at - 1, found, count);
  }

  /** Edges of a node are numbered by symbol, after the one for any token. */
  private long edge(int node, int symbol) {
    return node * branching + symbol + 1;
  }

  private int newNode() {
    if (nodes == patternOfNode.length) {
      patternOfNode = Arrays.copyOf(patternOfNode, 2 * nodes);
      below = Arrays.copyOf(below, 2 * nodes);
    }
    patternOfNode[nodes] = NONE;
    return nodes++;
  }
}
