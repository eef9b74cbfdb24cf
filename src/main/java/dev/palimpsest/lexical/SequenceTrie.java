package dev.palimpsest.lexical;

import dev.palimpsest.text.TokenNames;
import java.util.Arrays;
import java.util.List;

/**
 * The sequences that end a given number of tokens before a position, as a trie of their reversed
 * tokens.
 */
final class SequenceTrie {
  private static final int NONE = -1;
  private static final int ROOT = 0;

  private final int back;
  private final long branching;
  private final LongIntMap children = new LongIntMap(1024);
  private int[] patternOfNode = {NONE};
  private boolean[] inner = {false};
  private int nodes = 1;

  /**
   * @param vocabulary number of token ids
   */
  SequenceTrie(int back, int vocabulary) {
    this.back = back;
    this.branching = vocabulary + 1L;
  }

  /** Adds a sequence; one that holds an unknown token can never match and is left out. */
  void add(List<Integer> tokens, int pattern) {
    if (tokens.contains(TokenNames.UNKNOWN)) {
      return;
    }
    int node = ROOT;
    for (int i = tokens.size() - 1; i >= 0; i--) {
      inner[node] = true;
      long edge = edge(node, tokens.get(i));
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
    if (at < 0 || !inner[node]) {
      return reached;
    }
    int child = children.get(edge(node, context[at]), NONE);
    if (child != NONE) {
      reached = walk(child, context, at - 1, found, reached);
    }
    int any = node == ROOT ? NONE : children.get(edge(node, Pattern.ANY), NONE);
    return any == NONE ? reached : walk(any, context, at - 1, found, reached);
  }

  /** Edges of a node are numbered by token, after the one for any token. */
  private long edge(int node, int token) {
    return node * branching + token + 1;
  }

  private int newNode() {
    if (nodes == patternOfNode.length) {
      patternOfNode = Arrays.copyOf(patternOfNode, 2 * nodes);
      inner = Arrays.copyOf(inner, 2 * nodes);
    }
    patternOfNode[nodes] = NONE;
    return nodes++;
  }
}
